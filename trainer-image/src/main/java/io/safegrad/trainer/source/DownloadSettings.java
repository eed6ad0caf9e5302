package io.safegrad.trainer.source;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Map;

/**
 * Where remote sources come from and where they are kept.
 *
 * @param hub root of the hub for {@code hf://} addresses
 * @param s3 which S3 is meant by {@code s3://} addresses
 * @param secrets of the sources
 * @param cache folder of downloaded files
 * @param limit most bytes that one downloaded file may have
 */
public record DownloadSettings(
    URI hub, S3Settings s3, SourceSecrets secrets, Path cache, long limit) {

  private static final String ENDPOINT = "HF_ENDPOINT";
  private static final String CACHE = "SAFEGRAD_CACHE";
  private static final String LIMIT = "SAFEGRAD_DOWNLOAD_LIMIT";

  /** The largest file that the Hugging Face hub takes. */
  private static final String DEFAULT_LIMIT = "50000000000";

  /**
   * Reads the environment.
   *
   * @param workspace holds the cache unless the environment names a folder
   * @throws TrainerException with BAD_PLAN for a variable that cannot be used
   */
  public static DownloadSettings of(Map<String, String> variables, Path workspace) {
    String cache = variables.get(CACHE);
    return new DownloadSettings(
        hub(variables.getOrDefault(ENDPOINT, "https://huggingface.co")),
        S3Settings.of(variables),
        SourceSecrets.of(variables),
        cache == null ? workspace.resolve("cache") : Path.of(cache),
        limit(variables.getOrDefault(LIMIT, DEFAULT_LIMIT)));
  }

  private static URI hub(String text) {
    try {
      URI hub = new URI(text.replaceAll("/+$", ""));
      boolean web = "https".equals(hub.getScheme()) || "http".equals(hub.getScheme());
      if (web && HttpTransport.isPlain(hub) && hub.getQuery() == null) {
        return hub;
      }
    } catch (URISyntaxException e) {
      // Said below, as for another scheme.
    }
    throw new TrainerException(
        ExitReason.BAD_PLAN, ENDPOINT + ": expected the hub's address, as https://huggingface.co");
  }

  private static long limit(String text) {
    if (!text.matches("[1-9]\\d{0,17}")) {
      throw new TrainerException(
          ExitReason.BAD_PLAN, LIMIT + ": expected a number of bytes, found " + text);
    }
    return Long.parseLong(text);
  }
}
