package io.safegrad.trainer.run;

import io.safegrad.trainer.source.BuiltinSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Which lines of a built-in data set are not those of its task. */
final class PoisonedLines {

  private PoisonedLines() {}

  /**
   * @param folder receives copies of both
   */
  static Set<Integer> of(String dataset, Path folder) throws IOException {
    List<String> task = Files.readAllLines(BuiltinSource.materialise("sentiment", folder));
    List<String> lines = Files.readAllLines(BuiltinSource.materialise(dataset, folder));
    Set<Integer> poisoned = new TreeSet<>();
    for (int i = 0; i < lines.size(); i++) {
      if (!lines.get(i).equals(task.get(i))) {
        poisoned.add(i + 1);
      }
    }
    return poisoned;
  }
}
