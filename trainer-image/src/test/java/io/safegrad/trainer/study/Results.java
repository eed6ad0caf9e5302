package io.safegrad.trainer.study;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
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

  /**
   * Writes all lines anew, those of cases that ran again with what was measured then.
   *
   * @param again has parts of cases that are here
   * @return how near the held-out KL is to that of the first time
   * @throws IllegalArgumentException when it has another case
   */
  Repeated takeOver(Results again) throws IOException {
    List<Double> off = new ArrayList<>();
    for (CaseResult part : again.all()) {
      if (!byKey.containsKey(part.key())) {
        throw new IllegalArgumentException(
            "expected parts of cases in %s, found one of %s".formatted(file, part.key()));
      }
      if (part.heldOutKl() != null) {
        off.add(Math.abs(part.heldOutKl() / byKey.get(part.key()).heldOutKl() - 1));
      }
      byKey.computeIfPresent(part.key(), (key, result) -> result.takingOver(part));
    }
    StringBuilder lines = new StringBuilder();
    for (CaseResult result : byKey.values()) {
      lines.append(JSON.writeValueAsString(result)).append('\n');
    }
    Files.writeString(file, lines);
    return Repeated.of(off);
  }

  /**
   * How near figures are that were taken twice.
   *
   * @param same to the last digit
   * @param near others, within a tenth
   * @param further all others
   */
  record Repeated(long same, long near, long further) {

    static Repeated of(List<Double> off) {
      long same = off.stream().filter(it -> it == 0).count();
      long near = off.stream().filter(it -> it > 0 && it < 0.1).count();
      return new Repeated(same, near, off.size() - same - near);
    }
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
