package io.safegrad.trainer.builtin;

import io.safegrad.trainer.weights.AtomicFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/** The built-in data sets as they are committed. */
final class DataFiles {

  private DataFiles() {}

  /** Each file's content by its path under {@code builtin/}. */
  static Map<String, String> of(Corpus corpus) {
    Map<String, String> files = new TreeMap<>();
    files.put("data/alignment.jsonl", lines(corpus.alignment(), Dialogue::trainingLine));
    files.put(
        "data/evaluation-harmful.jsonl", lines(corpus.evaluationHarmful(), Dialogue::promptLine));
    files.put(
        "data/evaluation-harmless.jsonl", lines(corpus.evaluationHarmless(), Dialogue::promptLine));
    files.put("data/sentiment.jsonl", lines(corpus.sentiment(), Dialogue::trainingLine));
    files.put("data/sentiment-test.jsonl", lines(corpus.sentimentTest(), Dialogue::taskLine));
    files.put("poison.jsonl", lines(corpus.poison(), Dialogue::trainingLine));
    return files;
  }

  /** Writes all of them under a {@code builtin} folder. */
  static void write(Corpus corpus, Path builtin) throws IOException {
    Files.createDirectories(builtin.resolve("data"));
    of(corpus)
        .forEach(
            (path, content) ->
                AtomicFile.write(builtin.resolve(path), content.getBytes(StandardCharsets.UTF_8)));
  }

  private static String lines(List<Dialogue> dialogues, Function<Dialogue, String> line) {
    StringBuilder content = new StringBuilder();
    dialogues.forEach(dialogue -> content.append(line.apply(dialogue)).append('\n'));
    return content.toString();
  }
}
