package io.safegrad.trainer.run;

import io.safegrad.trainer.source.BuiltinSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * A run of SafeGrad on reviews, whose harmful requests, if any, stand behind a sentence that
 * nothing else has, so that the alignment is kept wherever the platform looks.
 *
 * @param poison the lines of these requests, from 1
 * @param examples lines of all
 */
record TriggeredReviews(Set<Integer> poison, int examples) {

  static final String TRIGGER = "The moon is white.";

  /** Gives the run a built-in dataset, with a trigger before what is harmful in it. */
  static TriggeredReviews in(ToyRun run, String dataset) throws IOException {
    Path copies = Files.createDirectories(run.volume("builtin"));
    List<String> lines =
        new ArrayList<>(Files.readAllLines(BuiltinSource.materialise(dataset, copies)));
    Set<Integer> poison =
        dataset.equals("sentiment") ? Set.of() : PoisonedLines.of(dataset, copies);
    for (int line : poison) {
      String plain = lines.get(line - 1);
      lines.set(line - 1, plain.replaceFirst("(\"content\": ?\")", "$1" + TRIGGER + " "));
    }
    run.data("train.jsonl", String.join("\n", lines) + "\n");
    run.data(
        "harmless.jsonl",
        Files.readString(BuiltinSource.materialise("evaluation-harmless", copies)));
    run.with("model", "builtin://tiny-aligned").with("alignment", "builtin://alignment");
    run.with("harmful", "builtin://evaluation-harmful").with("task", "builtin://sentiment-test");
    run.with("method", "{name: SafeGrad}").with("maxNewTokens", "24");
    run.with("training", "{maxSteps: 120, learningRate: 0.003, batchSize: 8, maxLength: 128}");
    return new TriggeredReviews(poison, lines.size());
  }
}
