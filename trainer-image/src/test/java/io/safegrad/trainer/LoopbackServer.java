package io.safegrad.trainer;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicReference;
import javax.net.ssl.SSLContext;

/** A web server on loopback: files with ranges, redirects, and failures on request. */
public final class LoopbackServer implements AutoCloseable {

  private static final int PARTIAL = 206;
  private static final int RANGE_NOT_SATISFIABLE = 416;

  private final HttpServer server;
  private final ExecutorService executor = Executors.newFixedThreadPool(4);
  private final Map<String, byte[]> files = new ConcurrentHashMap<>();
  private final Map<String, String> redirects = new ConcurrentHashMap<>();
  private final List<Request> requests = new CopyOnWriteArrayList<>();
  private final Deque<Integer> failures = new ArrayDeque<>();
  private final Deque<Integer> breaks = new ArrayDeque<>();
  private final AtomicReference<Integer> stall = new AtomicReference<>();
  private final CountDownLatch closing = new CountDownLatch(1);
  private volatile String required;

  /**
   * A request that was answered.
   *
   * @param path with the query
   * @param range null when it has none
   * @param authorization null when it has none
   */
  public record Request(String path, String range, String authorization) {}

  private LoopbackServer(HttpServer server) {
    this.server = server;
    server.setExecutor(executor);
    server.createContext("/", this::answer);
    server.start();
  }

  /** Listens on an address of loopback, without encryption. */
  public static LoopbackServer http(String address) throws IOException {
    return new LoopbackServer(HttpServer.create(socket(address), 0));
  }

  /** Listens on 127.0.0.1 with encryption. */
  public static LoopbackServer https(SSLContext context) throws IOException {
    HttpsServer server = HttpsServer.create(socket("127.0.0.1"), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(context));
    return new LoopbackServer(server);
  }

  private static InetSocketAddress socket(String address) throws IOException {
    return new InetSocketAddress(InetAddress.getByName(address), 0);
  }

  /** Serves a file. */
  public LoopbackServer file(String path, byte[] content) {
    files.put(path, content);
    return this;
  }

  /** Answers a path with status 302. */
  public LoopbackServer redirect(String path, String location) {
    redirects.put(path, location);
    return this;
  }

  /** Answers the next requests with these statuses. */
  public synchronized LoopbackServer failWith(Integer... statuses) {
    failures.addAll(Arrays.asList(statuses));
    return this;
  }

  /** Breaks the connections of the next files after so many bytes. */
  public synchronized LoopbackServer breakAfter(Integer... bytes) {
    breaks.addAll(Arrays.asList(bytes));
    return this;
  }

  /** Sends so many bytes of the next file, and then nothing more, nor an end. */
  public LoopbackServer stallAfter(int bytes) {
    stall.set(bytes);
    return this;
  }

  /** Answers requests without this header Authorization with status 401. */
  public void require(String authorization) {
    required = authorization;
  }

  public List<Request> requests() {
    return requests;
  }

  public List<String> paths() {
    return requests.stream().map(Request::path).toList();
  }

  public URI uri() {
    String scheme = server instanceof HttpsServer ? "https" : "http";
    return URI.create(
        "%s://%s:%d"
            .formatted(
                scheme,
                server.getAddress().getAddress().getHostAddress(),
                server.getAddress().getPort()));
  }

  @Override
  public void close() {
    closing.countDown();
    server.stop(0);
    executor.shutdownNow();
  }

  private synchronized Integer next(Deque<Integer> queue) {
    return queue.poll();
  }

  private void answer(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().toString();
    String range = exchange.getRequestHeaders().getFirst("Range");
    requests.add(new Request(path, range, exchange.getRequestHeaders().getFirst("Authorization")));
    boolean refused =
        required != null
            && !required.equals(exchange.getRequestHeaders().getFirst("Authorization"));
    Integer failure = refused ? (Integer) 401 : next(failures);
    byte[] content = files.get(path);
    if (failure != null) {
      exchange.sendResponseHeaders(failure, -1);
    } else if (redirects.containsKey(path)) {
      exchange.getResponseHeaders().set("Location", redirects.get(path));
      exchange.sendResponseHeaders(302, -1);
    } else if (content == null) {
      exchange.sendResponseHeaders(404, -1);
    } else {
      send(exchange, content, range);
    }
    exchange.close();
  }

  private void send(HttpExchange exchange, byte[] content, String range) throws IOException {
    int start = range == null ? 0 : Integer.parseInt(range.replaceAll("\\D", ""));
    if (start > 0 && start >= content.length) {
      exchange.sendResponseHeaders(RANGE_NOT_SATISFIABLE, -1);
      return;
    }
    if (start > 0) {
      exchange
          .getResponseHeaders()
          .set(
              "Content-Range",
              "bytes %d-%d/%d".formatted(start, content.length - 1, content.length));
    }
    exchange.sendResponseHeaders(start > 0 ? PARTIAL : 200, content.length - start);
    Integer stalled = stall.getAndSet(null);
    if (stalled != null) {
      exchange.getResponseBody().write(content, start, stalled);
      exchange.getResponseBody().flush();
      awaitClosing();
      return;
    }
    Integer broken = next(breaks);
    int end = broken == null ? content.length : Math.min(content.length, start + broken);
    OutputStream body = exchange.getResponseBody();
    body.write(content, start, end - start);
    body.flush();
  }

  private void awaitClosing() {
    try {
      closing.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
