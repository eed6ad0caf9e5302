package io.safegrad.local.node;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/**
 * Loopback addresses, {@code 127.N.0.0/16}, that no other node agent of this machine gives to its
 * pods: every pod listens on the same port. A network is taken by listening on its first address,
 * so that it is free again however the agent ends.
 */
final class PodNetwork implements AutoCloseable {

  /** A kubelet's: one for each node. */
  private static final int PORT = 10250;

  private static final int NETWORKS = 254;

  private final int number;
  private final ServerSocket claim;

  private PodNetwork(int number, ServerSocket claim) {
    this.number = number;
    this.claim = claim;
  }

  static PodNetwork take() throws IOException {
    IOException last = null;
    for (int number = 1; number <= NETWORKS; number++) {
      ServerSocket claim = new ServerSocket();
      try {
        claim.bind(new InetSocketAddress(InetAddress.getByName(address(number, 0)), PORT));
        return new PodNetwork(number, claim);
      } catch (IOException e) {
        claim.close();
        last = e;
      }
    }
    throw new IOException("no network of 127.0.0.0/8 is free for pods", last);
  }

  String freeAddress(Predicate<String> taken) {
    return IntStream.range(1, 255 * 256)
        .mapToObj(host -> address(number, host))
        .filter(taken.negate())
        .findFirst()
        .orElseThrow();
  }

  @Override
  public void close() {
    try {
      claim.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String address(int network, int host) {
    return "127.%d.%d.%d".formatted(network, host / 256, host % 256);
  }
}
