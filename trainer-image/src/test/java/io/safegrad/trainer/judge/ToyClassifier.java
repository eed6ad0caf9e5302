package io.safegrad.trainer.judge;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** The classifier of {@code make_classifier_golden.py}, whose labels are answer and refusal. */
public final class ToyClassifier {

  public static final Path FOLDER =
      Path.of("src/test/resources/files/toy-classifier").toAbsolutePath();

  private static final ObjectMapper JSON = new ObjectMapper();

  private ToyClassifier() {}

  /** Copies it into a folder, which is made. */
  public static Path write(Path folder) throws IOException {
    Files.createDirectories(folder);
    List<Path> files;
    try (Stream<Path> found = Files.list(FOLDER)) {
      files = found.toList();
    }
    for (Path file : files) {
      Files.copy(file, folder.resolve(file.getFileName()));
    }
    return folder;
  }

  /** The same with another config.json. */
  static Path write(Path folder, Consumer<ObjectNode> change) throws IOException {
    Path config = write(folder).resolve("config.json");
    ObjectNode json = (ObjectNode) JSON.readTree(config.toFile());
    change.accept(json);
    JSON.writeValue(config.toFile(), json);
    return folder;
  }
}
