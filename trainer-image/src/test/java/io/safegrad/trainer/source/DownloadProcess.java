package io.safegrad.trainer.source;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** A process of its own that downloads a file of a data set, so that it can be killed. */
final class DownloadProcess {

  private DownloadProcess() {}

  /**
   * @param arguments the folder of the cache, the address
   */
  public static void main(String[] arguments) throws IOException {
    Path cache = Path.of(arguments[0]);
    Map<String, String> variables = new HashMap<>(System.getenv());
    variables.put("SAFEGRAD_CACHE", cache.toString());
    new RemoteSources(DownloadSettings.of(variables, cache), cache.resolveSibling("killed"))
        .download(SourceSpec.unpinned("dataset.source", arguments[1]));
  }

  /**
   * @param variables further environment variables
   */
  static Process start(Map<String, String> variables, Path cache, String uri) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                DownloadProcess.class.getName(),
                cache.toString(),
                uri)
            .inheritIO();
    builder.environment().putAll(variables);
    return builder.start();
  }
}
