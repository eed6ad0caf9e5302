package io.safegrad.images;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * An image's files laid out in a folder, and its configuration.
 *
 * @param root what is {@code /} in a container
 * @param architecture what it is for
 * @param config what the image says of itself
 */
record UnpackedImage(Path root, String architecture, JsonNode config) {

  static UnpackedImage of(Path tar) throws IOException {
    Path folder = Files.createTempDirectory(tar.getParent(), "image");
    unpack(tar, folder);
    JsonNode manifest =
        new ObjectMapper().readTree(folder.resolve("manifest.json").toFile()).get(0);
    Path root = Files.createDirectory(folder.resolve("root"));
    for (JsonNode layer : manifest.get("Layers")) {
      unpack(folder.resolve(layer.asText()), root);
    }
    JsonNode config =
        new ObjectMapper().readTree(folder.resolve(manifest.get("Config").asText()).toFile());
    return new UnpackedImage(root, config.get("architecture").textValue(), config.get("config"));
  }

  /** Runs the image's entry point on this machine, with this machine's Java. */
  String run(Map<String, String> environment, String... arguments) throws IOException {
    List<String> command =
        Stream.concat(
                Stream.of(new ObjectMapper().convertValue(config.get("Entrypoint"), String[].class))
                    .map(word -> word.equals("java") ? java() : word)
                    .map(word -> word.replace(Recipe.HOME, root + Recipe.HOME)),
                Stream.of(arguments))
            .toList();
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    builder.environment().putAll(environment);
    Process process = builder.start();
    return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
        + "exit code "
        + process.onExit().join().exitValue();
  }

  private static String java() {
    return Path.of(System.getProperty("java.home"), "bin", "java").toString();
  }

  private static void unpack(Path archive, Path folder) throws IOException {
    Process tar =
        new ProcessBuilder(
                "tar",
                "--warning=no-unknown-keyword",
                "-xf",
                archive.toString(),
                "-C",
                folder.toString())
            .inheritIO()
            .start();
    if (tar.onExit().join().exitValue() != 0) {
      throw new IOException("tar cannot unpack " + archive);
    }
  }
}
