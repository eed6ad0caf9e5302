package io.safegrad.trainer.source;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

/** A process of its own that downloads a file of a data set, so that it can be killed. */
final class DownloadProcess {

  private DownloadProcess() {}

  /**
   * @param arguments the hub, the folder of the cache, the address
   */
  public static void main(String[] arguments) throws IOException {
    Path cache = Path.of(arguments[1]);
    DownloadSettings settings =
        DownloadSettings.of(
            Map.of("HF_ENDPOINT", arguments[0], "SAFEGRAD_CACHE", cache.toString()), cache);
    new RemoteSources(settings, cache.resolveSibling("killed"))
        .download(SourceSpec.unpinned("dataset.source", arguments[2]));
  }

  static Process start(String hub, Path cache, String uri) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            DownloadProcess.class.getName(),
            hub,
            cache.toString(),
            uri)
        .inheritIO()
        .start();
  }
}
