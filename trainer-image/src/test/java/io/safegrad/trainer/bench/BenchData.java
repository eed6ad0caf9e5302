package io.safegrad.trainer.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.trainer.data.TokenizedExample;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** The same random token rows for both sides. What the tokens say does not change the work. */
final class BenchData {

  private static final ObjectMapper JSON = new ObjectMapper();

  private BenchData() {}

  static List<TokenizedExample> rows(
      int count, BenchCase.Labels labels, int vocabulary, long seed) {
    return rows(count, BenchCase.LENGTH, labels, vocabulary, seed);
  }

  static List<TokenizedExample> rows(
      int count, int length, BenchCase.Labels labels, int vocabulary, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<TokenizedExample> rows = new ArrayList<>();
    for (int row = 0; row < count; row++) {
      int[] inputIds = random.ints(length, 0, vocabulary).toArray();
      int[] trained = inputIds.clone();
      int untrained = labels == BenchCase.Labels.HALF ? length / 2 : 0;
      for (int position = 0; position < untrained; position++) {
        trained[position] = TokenizedExample.IGNORED;
      }
      rows.add(new TokenizedExample(inputIds, trained, row + 1));
    }
    return rows;
  }

  /** In the form that the reference reads. */
  static void write(Path file, List<TokenizedExample> rows) throws IOException {
    StringBuilder text = new StringBuilder();
    for (TokenizedExample row : rows) {
      text.append(
              JSON.writeValueAsString(Map.of("input_ids", row.inputIds(), "labels", row.labels())))
          .append('\n');
    }
    Files.writeString(file, text);
  }
}
