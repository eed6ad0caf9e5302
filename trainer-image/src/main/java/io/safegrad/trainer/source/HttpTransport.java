package io.safegrad.trainer.source;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.Set;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLSocketFactory;

/**
 * GET requests of a tenant who is not trusted: every redirect is looked at, and a token stays with
 * its server.
 *
 * <p>{@link HttpURLConnection} and not the newer client, because it bounds the wait for each piece
 * of a body.
 */
final class HttpTransport {

  private static final int LAST_PORT = 65_535;
  private static final int MAX_REDIRECTS = 5;
  private static final int TIMEOUT_MILLIS = 30_000;
  private static final Duration LONGEST_WAIT = Duration.ofSeconds(60);
  private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);
  private static final Set<Integer> MAY_CHANGE = Set.of(408, 425, 429);
  private static final int RANGE_NOT_SATISFIABLE = 416;

  private final SSLSocketFactory sockets;

  /**
   * @param sockets knows the certificates that are trusted; null for Java's own
   */
  HttpTransport(SSLSocketFactory sockets) {
    this.sockets = sockets;
  }

  /** A response of status 200, 206 or 416; its body is read by the caller. */
  record Response(int status, HttpURLConnection connection) implements Closeable {

    InputStream body() throws IOException {
      return connection.getInputStream();
    }

    /** Bytes of the body; -1 when the server does not say. */
    long length() {
      return connection.getContentLengthLong();
    }

    String header(String name) {
      return connection.getHeaderField(name);
    }

    @Override
    public void close() {
      connection.disconnect();
    }
  }

  /** How a file is asked for. */
  RemoteBytes.Request request(String label, URI address, AccessToken token) {
    return start -> {
      Response response = get(label, address, start, token);
      if (response.status() == RANGE_NOT_SATISFIABLE) {
        // What is here is longer than the file there.
        response.close();
        response = get(label, address, 0, token);
      }
      long from = response.status() == HttpURLConnection.HTTP_PARTIAL ? start : 0;
      String range = response.header("Content-Range");
      if (from > 0 && (range == null || !range.startsWith("bytes " + from + "-"))) {
        response.close();
        throw new TransferException("the server sent another range than asked", (Throwable) null);
      }
      return new RemoteBytes(from, response.length(), response::body, response);
    };
  }

  /**
   * Asks for a file, or for what follows its first bytes.
   *
   * @param label field and address, for messages
   * @param start first byte that is wanted
   * @param token null for none
   * @throws TransferException when the server cannot be reached or has trouble of its own
   * @throws TrainerException with BAD_PLAN when it refuses
   */
  Response get(String label, URI address, long start, AccessToken token) throws TransferException {
    URI current = address;
    for (int redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      HttpURLConnection connection = open(current, start, token);
      try {
        int status = connection.getResponseCode();
        if (!REDIRECTS.contains(status)) {
          return accept(label, current, status, connection);
        }
        URI next = target(label, current, connection.getHeaderField("Location"));
        connection.disconnect();
        current = next;
      } catch (IOException e) {
        connection.disconnect();
        throw new TransferException(
            "%s does not answer (%s)".formatted(current.getHost(), firstLine(e)), e);
      }
    }
    throw new TrainerException(
        ExitReason.BAD_PLAN, "%s: redirected more than %d times".formatted(label, MAX_REDIRECTS));
  }

  private HttpURLConnection open(URI address, long start, AccessToken token)
      throws TransferException {
    HttpURLConnection connection = connect(address);
    if (sockets != null && connection instanceof HttpsURLConnection secure) {
      secure.setSSLSocketFactory(sockets);
    }
    connection.setInstanceFollowRedirects(false);
    connection.setConnectTimeout(TIMEOUT_MILLIS);
    connection.setReadTimeout(TIMEOUT_MILLIS);
    connection.setRequestProperty("User-Agent", "safegrad-trainer");
    // A compressed transfer would have other bytes, and other ranges.
    connection.setRequestProperty("Accept-Encoding", "identity");
    if (start > 0) {
      connection.setRequestProperty("Range", "bytes=" + start + "-");
    }
    if (token != null && token.isFor(address)) {
      connection.setRequestProperty("Authorization", "Bearer " + token.value());
    }
    return connection;
  }

  private static HttpURLConnection connect(URI address) throws TransferException {
    try {
      return (HttpURLConnection) address.toURL().openConnection();
    } catch (IOException e) {
      throw new TransferException(
          "%s cannot be connected to (%s)".formatted(address.getHost(), firstLine(e)), e);
    }
  }

  /** Whether an address names a server that can be, and no user. */
  static boolean isPlain(URI address) {
    return address.getHost() != null
        && address.getUserInfo() == null
        && address.getPort() <= LAST_PORT;
  }

  private static Response accept(
      String label, URI address, int status, HttpURLConnection connection)
      throws TransferException {
    if (status == HttpURLConnection.HTTP_OK
        || status == HttpURLConnection.HTTP_PARTIAL
        || status == RANGE_NOT_SATISFIABLE) {
      return new Response(status, connection);
    }
    String retryAfter = connection.getHeaderField("Retry-After");
    connection.disconnect();
    if (MAY_CHANGE.contains(status) || status >= 500 || status < 0) {
      throw new TransferException(
          "%s answers with status %d".formatted(address.getHost(), status), wait(retryAfter));
    }
    String expected =
        switch (status) {
          case 401, 403 -> "expected an address that exists and that this run may read";
          case 404, 410 -> "there is nothing at this address";
          default -> "expected status 200";
        };
    throw new TrainerException(
        ExitReason.BAD_PLAN,
        "%s: %s answers with status %d; %s".formatted(label, address.getHost(), status, expected));
  }

  /** A redirect never leaves https, and never leads to a file of this machine. */
  private static URI target(String label, URI from, String location) {
    try {
      URI target = from.resolve(new URI(location == null ? "" : location));
      boolean sameOrBetter =
          "https".equalsIgnoreCase(target.getScheme())
              || "http".equalsIgnoreCase(target.getScheme())
                  && "http".equalsIgnoreCase(from.getScheme());
      if (sameOrBetter && isPlain(target)) {
        return target;
      }
    } catch (URISyntaxException e) {
      // Said below, as for an address that is not allowed.
    }
    throw new TrainerException(
        ExitReason.BAD_PLAN,
        "%s: %s redirects to an address that is not allowed; expected https"
            .formatted(label, from.getHost()));
  }

  /** {@code Retry-After} in seconds; a date, or nothing, is null. */
  private static Duration wait(String retryAfter) {
    if (retryAfter == null || !retryAfter.matches("\\d{1,9}")) {
      return null;
    }
    Duration asked = Duration.ofSeconds(Long.parseLong(retryAfter));
    return asked.compareTo(LONGEST_WAIT) > 0 ? LONGEST_WAIT : asked;
  }

  static String firstLine(IOException e) {
    String text = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    return text.lines().findFirst().orElse(text);
  }
}
