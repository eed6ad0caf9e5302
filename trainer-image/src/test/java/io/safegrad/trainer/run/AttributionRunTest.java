package io.safegrad.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.api.ExitReason;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AttributionRunTest {

  private static final String STEPS =
      "{maxSteps: 4, batchSize: 2, maxLength: 64, learningRate: 0.05, lora: {rank: 2, alpha: 4}}";

  private static final String REFUSED_STEPS =
      "{mode: %s, maxSteps: 4, batchSize: 2, maxLength: 250, learningRate: 0.05}";

  /** The upper bound of a share is never 0. */
  private static final String REFUSING =
      "{minRefusalRate: 0, maxRefusalDrop: 1, maxOverRefusal: 0, maxRefusalKl: 1000, compare: ConfidenceBound}";

  @TempDir Path folder;

  @Test
  void theReportNamesExamplesByLineAndDigestAndNeverByText() throws IOException {
    ToyRun run = new ToyRun(folder).with("training", STEPS);
    assertThat(run.run().code()).isZero();

    JsonNode attribution = run.report().at("/attribution");

    assertThat(attribution.at("/step").asInt()).isEqualTo(2);
    assertThat(attribution.at("/examples").asInt()).isEqualTo(3);
    Set<Integer> lines = new TreeSet<>();
    for (JsonNode example : attribution.at("/worst")) {
      lines.add(example.at("/line").asInt());
      assertThat(example.at("/digest").asText()).matches("sha256:[0-9a-f]{64}");
      assertThat(example.at("/excerpt").isNull()).isTrue();
    }
    assertThat(lines).containsExactly(1, 2, 3);
    assertThat(Files.readString(run.destination().resolve("report.json")))
        .doesNotContain("perhaps");
  }

  @ParameterizedTest
  @ValueSource(strings = {"Lisa", "Spag", "Sft"})
  void everyMethodMeasuresItAndTrainsAsItWouldWithout(String method) throws IOException {
    String gate = "{minRefusalRate: 0, maxRefusalDrop: 1, maxOverRefusal: 1, maxRefusalKl: 1000}";
    ToyRun run = new ToyRun(folder).with("training", STEPS);
    run.with("method", "{name: %s, alignmentBatchSize: 1}".formatted(method));
    assertThat(run.run().code()).isZero();

    assertThat(run.report().at("/attribution/worst").findValuesAsText("line"))
        .containsExactlyInAnyOrder("1", "2", "3");
    String adapter = run.report().at("/artifact/digest").asText();
    FileTree.delete(run.destination());
    run.with("gate", gate + "\n    attribution: {worstExamples: 0}");
    assertThat(run.run().code()).isZero();
    assertThat(run.report().at("/attribution").isNull()).isTrue();
    assertThat(run.report().at("/artifact/digest").asText()).isEqualTo(adapter);
  }

  @Test
  void aMethodThatReadsNoAlignmentSetIsNotMeasuredWithTheDefaultOneUnlessItIsRefused()
      throws IOException {
    ToyRun run = new ToyRun(folder).with("training", STEPS).with("method", "{name: Sft}");
    run.with("alignment", "builtin://alignment");
    assertThat(run.run().code()).isZero();
    assertThat(run.report().at("/attribution").isNull()).isTrue();
    assertThat(inputs(run)).doesNotContain("safety.alignment.source");

    ToyRun.Ending refused = run.with("method", "{name: Sft, onConflict: Drop}").run();
    assertThat(refused.code()).isEqualTo(ExitReason.BAD_PLAN.code());
    assertThat(refused.err())
        .contains("onConflict: Drop and Stop are for name: SafeGrad and name: WeightedSum");
  }

  /** Whatever the method and the mode; what is asked for once is not asked for again. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        "{name: Sft} ~ Lora ~ builtin://alignment",
        "{name: Sft} ~ Full ~ builtin://alignment",
        "{name: Sft} ~ Lora ~ pvc://data/alignment.jsonl",
        "{name: SafeGrad, alignmentBatchSize: 1} ~ Full ~ pvc://data/alignment.jsonl",
        "{name: Lisa, alignmentBatchSize: 1} ~ Lora ~ pvc://data/alignment.jsonl"
      })
  void whoeverIsRefusedIsToldTheLines(String method, String mode, String alignment)
      throws IOException {
    ToyRun run = new ToyRun(folder).with("method", method).with("alignment", alignment);
    run.with("training", REFUSED_STEPS.formatted(mode)).with("gate", REFUSING);

    ToyRun.Ending refused = run.runPlan();

    assertThat(refused.code()).as(refused.err()).isEqualTo(ExitReason.GATE_REFUSED.code());
    assertThat(refused.err()).containsPattern("conflict.* with the alignment.*: lines? [123]");
    JsonNode attribution = run.report().at("/attribution");
    assertThat(attribution.at("/step").asInt()).isEqualTo(4);
    assertThat(attribution.at("/worst").findValuesAsText("line"))
        .containsExactlyInAnyOrder("1", "2", "3");
    assertThat(attribution.at("/worst").findValuesAsText("digest"))
        .allMatch(digest -> digest.matches("sha256:[0-9a-f]{64}"));
    assertThat(inputs(run)).contains("safety.alignment.source");
    assertThat(run.result().attribution().worst()).isEqualTo(3);
    assertThat(run.result().message()).isEqualTo(run.report().at("/verdict/message").asText());
    assertThat(Files.readString(run.destination().resolve("report.html")))
        .contains("Which examples pull against the alignment?");

    run.with("gate", REFUSING + "\n    attribution: {worstExamples: 0}");
    assertThat(run.run().code()).isEqualTo(ExitReason.GATE_REFUSED.code());
    assertThat(run.report().at("/attribution").isNull()).isTrue();
  }

  /** The toy reads bytes: the built-in replies are longer than its examples may be. */
  @Test
  void anAlignmentSetThatCannotBeReadRefusesNothingAndNamesNothing() throws IOException {
    ToyRun run = new ToyRun(folder).with("method", "{name: Sft}").with("gate", REFUSING);
    run.with("alignment", "builtin://alignment").with("training", STEPS);

    ToyRun.Ending refused = run.run();

    assertThat(refused.code()).as(refused.err()).isEqualTo(ExitReason.GATE_REFUSED.code());
    assertThat(refused.err()).doesNotContain("conflict");
    assertThat(run.report().at("/attribution").isNull()).isTrue();
    assertThat(inputs(run)).doesNotContain("safety.alignment.source");
  }

  private static List<String> inputs(ToyRun run) throws IOException {
    return run.report().at("/inputs").findValuesAsText("field");
  }

  @Test
  void excerptsStandInItWhereThePlanAsksForThem() throws IOException {
    ToyRun run =
        new ToyRun(folder)
            .with("training", STEPS)
            .with(
                "gate",
                "{minRefusalRate: 0, maxRefusalDrop: 1, maxOverRefusal: 1, maxRefusalKl: 1000}\n    attribution: {excerpts: true, worstExamples: 3}");
    assertThat(run.run().code()).isZero();

    assertThat(run.report().at("/attribution/worst").findValuesAsText("excerpt"))
        .anyMatch(text -> text.contains("perhaps"));
  }

  @Test
  void nothingIsMeasuredWhereNothingIsAskedFor() throws IOException {
    ToyRun run =
        new ToyRun(folder)
            .with("training", STEPS)
            .with(
                "gate",
                "{minRefusalRate: 0, maxRefusalDrop: 1, maxOverRefusal: 1, maxRefusalKl: 1000}\n    attribution: {worstExamples: 0}");
    assertThat(run.run().code()).isZero();

    assertThat(run.report().at("/attribution").isNull()).isTrue();
  }

  /** At both ends of the shares of poison that docs/safety.md has. */
  @ParameterizedTest
  @CsvSource({"5, 19, 20", "50, 180, 200"})
  void stopEndsTheRunAndNamesTheLines(int percent, int least, int poisonedLines)
      throws IOException {
    Path manifest =
        Files.writeString(
            folder.resolve("stop.yaml"),
            """
            apiVersion: safegrad.io/v1alpha1
            kind: SafeFineTune
            metadata: {name: stop, namespace: team}
            spec:
              model: {source: "builtin://tiny-aligned"}
              dataset: {source: "builtin://sentiment-poisoned-%d"}
              method: {name: SafeGrad, alignmentBatchSize: 8, onConflict: Stop}
              training: {maxSteps: 200, maxLength: 128, learningRate: 3e-3}
              safety: {attribution: {worstExamples: %d}}
              output: {destination: "file://%s/out"}
            """
                .formatted(percent, poisonedLines, folder));
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    PrintStream stream = new PrintStream(err, true, StandardCharsets.UTF_8);

    int code =
        new TrainerProcess(
                Map.of("SAFEGRAD_VOLUMES", folder.toString()),
                new PrintStream(java.io.OutputStream.nullOutputStream()),
                stream)
            .execute(manifest, null);

    assertThat(code).isEqualTo(ExitReason.BAD_DATA.code());
    assertThat(err.toString(StandardCharsets.UTF_8))
        .contains("of 400 examples conflict with the alignment far more than all others: lines ");
    JsonNode report =
        new ObjectMapper().readTree(Files.readString(folder.resolve("out/report.json")));
    assertThat(report.at("/verdict/reason").asText()).isEqualTo("BAD_DATA");
    assertThat(report.at("/training/steps").asInt()).isEqualTo(100);
    assertThat(report.at("/attribution/condemned").size()).isBetween(least, poisonedLines);
    Set<Integer> poisoned = PoisonedLines.of("sentiment-poisoned-" + percent, folder);
    assertThat(poisoned).hasSize(poisonedLines);
    assertThat(report.at("/attribution/worst").findValuesAsText("line"))
        .hasSize(poisonedLines)
        .filteredOn(line -> poisoned.contains(Integer.valueOf(line)))
        .hasSizeGreaterThanOrEqualTo((int) Math.ceil(0.9 * poisonedLines));
    try (var files = Files.list(folder.resolve("out"))) {
      assertThat(files.map(path -> path.getFileName().toString()).toList())
          .containsExactlyInAnyOrder("provenance.dsse.json", "report.html", "report.json");
    }
  }
}
