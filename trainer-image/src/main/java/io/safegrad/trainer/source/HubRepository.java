package io.safegrad.trainer.source;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One commit of a repository on a hub.
 *
 * @param commit 40 hexadecimal digits
 * @param files by their path in the repository
 */
record HubRepository(String commit, Map<String, RemoteFile> files) {

  private static final int LONGEST_LISTING = 32 << 20;
  private static final ObjectMapper JSON = new ObjectMapper();

  /** A hub, and how it is asked. */
  record Hub(URI endpoint, AccessToken token, HttpTransport transport, Retries retries) {}

  /**
   * Asks the hub which commit a revision is and what is in it. It is asked at every run, also for
   * files that are in the cache: whether this run may read them is the hub's to say.
   *
   * @throws TrainerException with BAD_PLAN when the hub refuses, with SOURCE_UNAVAILABLE when it
   *     cannot be reached or answers something else than a listing
   */
  static HubRepository list(Hub hub, HubAddress address, SourceSpec source) {
    String label = source.field() + ": " + source.uri();
    String revision = source.revision() == null ? "main" : source.revision();
    URI listing = URI.create(hub.endpoint() + address.listingPath(encode(revision)));
    JsonNode answer = hub.retries().call(label, () -> read(hub, label, listing));
    String commit = answer.path("sha").asText();
    if (!commit.matches("[0-9a-f]{40}") || !answer.path("siblings").isArray()) {
      throw notAHub(label, hub);
    }
    if (revision.matches("[0-9a-f]{40}") && !revision.equals(commit)) {
      throw new TrainerException(
          ExitReason.SOURCE_UNAVAILABLE,
          "%s: the hub answers with commit %s; expected %s".formatted(label, commit, revision));
    }
    Map<String, RemoteFile> files = new LinkedHashMap<>();
    for (JsonNode sibling : answer.path("siblings")) {
      String name = sibling.path("rfilename").asText();
      URI uri = URI.create(hub.endpoint() + address.filePath(commit, encodePath(name)));
      files.put(
          name,
          new RemoteFile(
              label + " " + name,
              uri.toString(),
              size(sibling),
              checksum(sibling),
              hub.transport().request(label + " " + name, uri, hub.token())));
    }
    return new HubRepository(commit, files);
  }

  private static JsonNode read(Hub hub, String label, URI listing) throws TransferException {
    try (HttpTransport.Response response = hub.transport().get(label, listing, 0, hub.token());
        InputStream body = response.body()) {
      byte[] bytes = body.readNBytes(LONGEST_LISTING + 1);
      if (bytes.length > LONGEST_LISTING) {
        throw notAHub(label, hub);
      }
      return JSON.readTree(bytes);
    } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
      throw notAHub(label, hub);
    } catch (IOException e) {
      throw new TransferException("the connection broke: " + HttpTransport.firstLine(e), e);
    }
  }

  private static Long size(JsonNode sibling) {
    JsonNode size = sibling.path("size");
    return size.canConvertToLong() && size.isIntegralNumber() ? size.asLong() : null;
  }

  /** Large files carry SHA-256, the others Git's name of their bytes; some hubs give neither. */
  private static Checksum checksum(JsonNode sibling) {
    String sha256 = sibling.path("lfs").path("sha256").asText();
    if (sha256.matches("[0-9a-f]{64}")) {
      return new Checksum(Checksum.Algorithm.SHA256, sha256);
    }
    String blob = sibling.path("blobId").asText();
    // A large file's blob is its pointer.
    return !sibling.has("lfs") && blob.matches("[0-9a-f]{40}")
        ? new Checksum(Checksum.Algorithm.GIT_BLOB, blob)
        : null;
  }

  private static TrainerException notAHub(String label, Hub hub) {
    return new TrainerException(
        ExitReason.SOURCE_UNAVAILABLE,
        "%s: %s does not answer as a hub does; expected a listing with sha and siblings"
            .formatted(label, hub.endpoint().getHost()));
  }

  private static String encodePath(String path) {
    return encode(path).replace("%2F", "/");
  }

  private static String encode(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }
}
