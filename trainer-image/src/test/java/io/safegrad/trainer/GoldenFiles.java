package io.safegrad.trainer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;

/**
 * What make_text_golden.py, make_files_golden.py, make_gguf_golden.py and make_parquet_golden.py of
 * src/test/python have written.
 */
public final class GoldenFiles {

  private static final Path FILES = Path.of("src/test/resources/files").toAbsolutePath();

  private GoldenFiles() {}

  public static Path path(String name) {
    return FILES.resolve(name);
  }

  public static JsonNode json(String name) {
    try {
      return new ObjectMapper().readTree(path(name).toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
