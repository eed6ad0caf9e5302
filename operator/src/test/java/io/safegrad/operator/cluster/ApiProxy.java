package io.safegrad.operator.cluster;

import io.safegrad.controlplane.ControlPlane;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.SocketFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * Stands between an operator and its API server: passes each request on, by a connection of its
 * own, or breaks what it is told to.
 */
final class ApiProxy implements AutoCloseable {

  private static final Pattern LENGTH = Pattern.compile("(?im)^content-length: *(\\d+)");
  private static final Pattern KEEP = Pattern.compile("(?im)^connection:.*\r\n");
  private static final Pattern UPGRADE = Pattern.compile("(?im)^upgrade:");
  private static final Pattern WRITE = Pattern.compile("(POST|PUT|PATCH|DELETE) (\\S+) .*");

  private final URI server;
  private final SocketFactory tls;
  private final ServerSocket door;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final Set<String> refusedOnce = ConcurrentHashMap.newKeySet();
  private final AtomicInteger conflicts = new AtomicInteger();
  private volatile boolean cutOff;
  private volatile boolean conflicting;

  ApiProxy(ControlPlane controlPlane) throws IOException {
    server = URI.create(controlPlane.server());
    tls = trusting(controlPlane);
    door = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
    ConnectionThread.start("api-proxy", this::accept);
  }

  String address() {
    return "http://127.0.0.1:" + door.getLocalPort();
  }

  /** Ends every connection there is, watches included; new ones are taken. */
  int cut() throws IOException {
    int ended = 0;
    for (Socket one : Set.copyOf(open)) {
      one.close();
      ended++;
    }
    return ended;
  }

  /** Ends every connection and takes none until {@link #restore}. */
  void cutOff() throws IOException {
    cutOff = true;
    cut();
  }

  void restore() {
    cutOff = false;
  }

  /** Whether each write is refused with a conflict the first time it comes, and every other one. */
  void conflicting(boolean conflicting) {
    this.conflicting = conflicting;
  }

  /** The writes that were refused so far. */
  int conflicts() {
    return conflicts.get();
  }

  @Override
  public void close() {
    try {
      door.close();
      cut();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void accept() throws IOException {
    while (true) {
      Socket client = door.accept();
      if (cutOff) {
        client.close();
      } else {
        open.add(client);
        ConnectionThread.start("api-proxy", () -> serve(client));
      }
    }
  }

  private void serve(Socket client) throws IOException {
    try (client) {
      String head = head(client.getInputStream());
      if (head.isEmpty() || cutOff) {
        return;
      }
      Matcher write = WRITE.matcher(head.substring(0, head.indexOf('\r')));
      if (conflicting && write.matches() && !write.group(2).contains("dryRun")) {
        String what = write.group(1) + write.group(2);
        if (refusedOnce.add(what)) {
          conflict(client, head);
          return;
        }
        refusedOnce.remove(what);
      }
      forward(client, head);
    } finally {
      open.remove(client);
    }
  }

  private void conflict(Socket client, String head) throws IOException {
    conflicts.incrementAndGet();
    Matcher length = LENGTH.matcher(head);
    if (length.find()) {
      client.getInputStream().readNBytes(Integer.parseInt(length.group(1)));
    }
    String body =
        """
        {"apiVersion": "v1", "kind": "Status", "status": "Failure", "reason": "Conflict", "code": 409,
         "message": "the object has been modified; please apply your changes to the latest version"}
        """;
    client
        .getOutputStream()
        .write(
            ("HTTP/1.1 409 Conflict\r\nContent-Type: application/json\r\nConnection: close\r\n"
                    + "Content-Length: %d\r\n\r\n%s")
                .formatted(body.length(), body)
                .getBytes(StandardCharsets.ISO_8859_1));
  }

  private void forward(Socket client, String head) throws IOException {
    try (Socket target = tls.createSocket(server.getHost(), server.getPort())) {
      open.add(target);
      String passed =
          UPGRADE.matcher(head).find()
              ? head
              : KEEP.matcher(head).replaceAll("").replaceFirst("\r\n", "\r\nConnection: close\r\n");
      target.getOutputStream().write(passed.getBytes(StandardCharsets.ISO_8859_1));
      ConnectionThread.start(
          "api-proxy",
          () -> {
            try (target) {
              client.getInputStream().transferTo(target.getOutputStream());
            }
          });
      OutputStream back = client.getOutputStream();
      target.getInputStream().transferTo(back);
    }
  }

  /** A request up to its body; empty when the client had none. */
  private static String head(InputStream input) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    int ends = 0;
    for (int read = input.read(); read >= 0; read = input.read()) {
      bytes.write(read);
      ends = read == '\n' ? ends + 1 : read == '\r' ? ends : 0;
      if (ends == 2) {
        return bytes.toString(StandardCharsets.ISO_8859_1);
      }
    }
    return "";
  }

  private static SocketFactory trusting(ControlPlane controlPlane) throws IOException {
    try (InputStream stream = Files.newInputStream(controlPlane.certificate())) {
      KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
      trusted.load(null, null);
      int index = 0;
      for (Certificate one : CertificateFactory.getInstance("X.509").generateCertificates(stream)) {
        trusted.setCertificateEntry(Integer.toString(index++), one);
      }
      TrustManagerFactory factory =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      factory.init(trusted);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, factory.getTrustManagers(), null);
      return context.getSocketFactory();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }
}
