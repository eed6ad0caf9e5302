package io.safegrad.trainer.study;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The lines of a results file, each case once. A line that was cut off is left out and run again.
 */
final class Results {

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path file;
  private final Map<String, CaseResult> byKey = new LinkedHashMap<>();

  private Results(Path file) {
    this.file = file;
  }

  /** Reads what is there; a file that does not exist has no lines. */
  static Results read(Path file) throws IOException {
    Results results = new Results(file);
    if (Files.notExists(file)) {
      return results;
    }
    String content = Files.readString(file);
    String whole = content.substring(0, content.lastIndexOf('\n') + 1);
    if (!whole.equals(content)) {
      Files.writeString(file, whole);
    }
    for (String line : whole.lines().toList()) {
      CaseResult result = JSON.readValue(line, CaseResult.class);
      results.byKey.put(result.key(), result);
    }
    return results;
  }

  /** Adds a line. */
  void add(CaseResult result) {
    try {
      Files.writeString(
          file,
          JSON.writeValueAsString(result) + "\n",
          StandardOpenOption.CREATE,
          StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    byKey.put(result.key(), result);
  }

  /** Takes in what stands elsewhere. */
  void adopt(CaseResult result) {
    byKey.put(result.key(), result);
  }

  Optional<CaseResult> of(StudyCase study) {
    return Optional.ofNullable(byKey.get(study.key()));
  }

  /** Of all, those that train a model and are reported. */
  List<CaseResult> runs() {
    return all().stream()
        .filter(it -> !it.study().tuning() && it.study().variant() != Variant.START)
        .toList();
  }

  Collection<CaseResult> all() {
    return byKey.values();
  }
}
