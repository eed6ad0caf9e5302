package io.safegrad.local.node;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import io.fabric8.kubernetes.client.internal.CertUtils;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/** The part of a kubelet's API that {@code kubectl logs} needs, with {@code -f} and --tail. */
final class LogServer implements AutoCloseable {

  /** Where a container's log lies, and whether more may come. */
  interface Logs {
    Optional<Path> of(String namespace, String pod, String container);

    boolean mayGrow(String namespace, String pod);
  }

  private static final Duration LOOK_EVERY = Duration.ofMillis(200);
  private static final char[] PASSPHRASE = "none".toCharArray();

  private final HttpsServer server;
  private final Logs logs;

  /**
   * @param certificate what the server shows (PEM); the API server does not check a kubelet's name
   * @param key the certificate's key (PEM)
   */
  LogServer(Path certificate, Path key, ExecutorService threads, Logs logs)
      throws IOException, GeneralSecurityException {
    this.logs = logs;
    InetAddress address = InetAddress.getByName(NodeAgent.HOST_ADDRESS);
    server = HttpsServer.create(new InetSocketAddress(address, 0), 0);
    KeyStore keys =
        CertUtils.createKeyStore(
            null,
            certificate.toString(),
            null,
            key.toString(),
            "RSA",
            new String(PASSPHRASE),
            null,
            null);
    KeyManagerFactory factory =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    factory.init(keys, PASSPHRASE);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(factory.getKeyManagers(), null, null);
    server.setHttpsConfigurator(new HttpsConfigurator(context));
    server.createContext("/containerLogs/", this::answer);
    server.setExecutor(threads);
    server.start();
  }

  int port() {
    return server.getAddress().getPort();
  }

  @Override
  public void close() {
    server.stop(0);
  }

  private void answer(HttpExchange exchange) throws IOException {
    String[] path = exchange.getRequestURI().getPath().split("/");
    Optional<Path> log = path.length == 5 ? logs.of(path[2], path[3], path[4]) : Optional.empty();
    if (log.isEmpty()) {
      exchange.sendResponseHeaders(404, -1);
      exchange.close();
      return;
    }
    Map<String, String> query = query(exchange.getRequestURI().getQuery());
    exchange.sendResponseHeaders(200, 0);
    try (OutputStream body = exchange.getResponseBody()) {
      long position = copy(log.get(), start(log.get(), query.get("tailLines")), body);
      if ("true".equals(query.get("follow"))) {
        while (logs.mayGrow(path[2], path[3])) {
          LockSupport.parkNanos(LOOK_EVERY.toNanos());
          position = copy(log.get(), position, body);
        }
        copy(log.get(), position, body);
      }
    }
  }

  private static long copy(Path log, long from, OutputStream body) throws IOException {
    if (!Files.exists(log)) {
      return from;
    }
    try (FileChannel channel = FileChannel.open(log)) {
      long size = channel.size();
      channel.transferTo(from, size - from, Channels.newChannel(body));
      body.flush();
      return size;
    }
  }

  /** Where the last lines of a log start; 0 when all of it is asked for. */
  private static long start(Path log, String tailLines) throws IOException {
    if (tailLines == null || !Files.exists(log)) {
      return 0;
    }
    ByteBuffer content = ByteBuffer.wrap(Files.readAllBytes(log));
    long lines = Long.parseLong(tailLines);
    int position = content.limit();
    if (position > 0 && content.get(position - 1) == '\n') {
      position--;
    }
    while (position > 0 && (content.get(position - 1) != '\n' || --lines > 0)) {
      position--;
    }
    return position;
  }

  private static Map<String, String> query(String text) {
    List<String> parts = text == null ? List.of() : Arrays.asList(text.split("&"));
    return parts.stream()
        .map(part -> part.split("=", 2))
        .filter(part -> part.length == 2)
        .collect(Collectors.toMap(part -> part[0], part -> part[1], (first, second) -> first));
  }
}
