package io.safegrad.trainer;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/**
 * Answers as the Hugging Face hub does: listings with checksums, small files itself, large ones by
 * a redirect to another host.
 */
public final class HubServer implements AutoCloseable {

  /** The commit that every revision is. */
  public static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

  private static final String[] REVISIONS = {"main", COMMIT, "refs%2Fpr%2F1", "f".repeat(40)};

  private final ObjectMapper json = new ObjectMapper();
  private final LoopbackServer hub = LoopbackServer.http("127.0.0.1");
  private final LoopbackServer storage = LoopbackServer.http("127.0.0.2");
  private final Map<String, ObjectNode> listings = new HashMap<>();

  public HubServer() throws IOException {}

  public String endpoint() {
    return hub.uri().toString();
  }

  /** A file that Git holds. */
  public HubServer small(String kind, String id, String name, String content) {
    return small(kind, id, name, content.getBytes(StandardCharsets.UTF_8));
  }

  /** A file that Git holds. */
  public HubServer small(String kind, String id, String name, byte[] content) {
    hub.file(filePath(kind, id, name), content);
    byte[] header = ("blob " + content.length + "\0").getBytes(StandardCharsets.UTF_8);
    sibling(kind, id, name, content).put("blobId", hex("SHA-1", header, content));
    return list(kind, id);
  }

  /** A file of Git LFS. */
  public HubServer large(String kind, String id, String name, String content) {
    return large(kind, id, name, content.getBytes(StandardCharsets.UTF_8));
  }

  /** A file of Git LFS. */
  public HubServer large(String kind, String id, String name, byte[] content) {
    String sha256 = hex("SHA-256", content);
    storage.file("/" + sha256, content);
    hub.redirect(filePath(kind, id, name), storage.uri() + "/" + sha256);
    ObjectNode sibling = sibling(kind, id, name, content);
    sibling.put("blobId", "0".repeat(40));
    sibling.putObject("lfs").put("sha256", sha256).put("size", content.length);
    return list(kind, id);
  }

  /** Serves other bytes of the same number than the listing says. */
  public void tamper(String kind, String id, String name) {
    for (var sibling : listings.get(kind + "/" + id).withArray("siblings")) {
      if (sibling.path("rfilename").asText().equals(name)) {
        byte[] other = new byte[sibling.path("size").asInt()];
        hub.file(filePath(kind, id, name), other);
        storage.file("/" + sibling.path("lfs").path("sha256").asText(), other);
      }
    }
  }

  /** Answers as a hub of another make. */
  public void withoutChecksums() {
    listings.forEach(
        (repository, listing) -> {
          listing.withArray("siblings").forEach(file -> ((ObjectNode) file).retain("rfilename"));
          list(repository);
        });
  }

  /** Answers a listing with a text. */
  public void listing(String kind, String id, String text) {
    hub.file(
        "/api/%s/%s/revision/main?blobs=true".formatted(kind, id),
        text.getBytes(StandardCharsets.UTF_8));
  }

  /** Sends so many bytes of the next large file, and then nothing more, nor an end. */
  public void stallAfter(int bytes) {
    storage.stallAfter(bytes);
  }

  public void requireToken(String token) {
    hub.require("Bearer " + token);
  }

  public void failWith(Integer... statuses) {
    hub.failWith(statuses);
  }

  public List<LoopbackServer.Request> requests() {
    return hub.requests();
  }

  /** Requests for large files. */
  public List<LoopbackServer.Request> storageRequests() {
    return storage.requests();
  }

  public List<String> paths() {
    return hub.paths();
  }

  @Override
  public void close() {
    hub.close();
    storage.close();
  }

  private ObjectNode sibling(String kind, String id, String name, byte[] content) {
    ObjectNode listing =
        listings.computeIfAbsent(
            kind + "/" + id, key -> json.createObjectNode().put("id", id).put("sha", COMMIT));
    return listing
        .withArray("siblings")
        .addObject()
        .put("rfilename", name)
        .put("size", content.length);
  }

  private HubServer list(String kind, String id) {
    return list(kind + "/" + id);
  }

  private HubServer list(String repository) {
    try {
      byte[] listing = json.writeValueAsBytes(listings.get(repository));
      for (String revision : REVISIONS) {
        hub.file("/api/%s/revision/%s?blobs=true".formatted(repository, revision), listing);
      }
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String filePath(String kind, String id, String name) {
    return "%s/%s/resolve/%s/%s"
        .formatted(kind.equals("models") ? "" : "/" + kind, id, COMMIT, name.replace(" ", "%20"));
  }

  private static String hex(String algorithm, byte[]... parts) {
    try {
      MessageDigest digest = MessageDigest.getInstance(algorithm);
      for (byte[] part : parts) {
        digest.update(part);
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
