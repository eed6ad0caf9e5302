package io.safegrad.trainer.export;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import io.safegrad.api.ExitReason;
import io.safegrad.api.JudgeIdentity;
import io.safegrad.api.Manifest;
import io.safegrad.api.Measurement;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.TrainingPlan;
import io.safegrad.trainer.report.RunReport;
import io.safegrad.trainer.report.RunVersions;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ModelCardTest {

  private static final JudgeIdentity JUDGE = new JudgeIdentity("AdvBench/1", "sha256:ab");

  private static final String MANIFEST =
      """
      apiVersion: safegrad.io/v1alpha1
      kind: SafeFineTune
      metadata: {name: support-bot, namespace: team-a}
      spec:
        model: {source: "hf://org/name"}
        dataset: {source: "pvc://data/secret-project.jsonl"}
        training: %s
        output: {destination: "pvc://adapters/out", formats: %s}
      """;

  @Test
  void saysWhatItIsWhatWasMeasuredAndOfWhichPlan() throws IOException {
    TrainingPlan plan = plan("{lora: {rank: 4, alpha: 8, targetModules: [q_proj]}}", "[Adapter]");

    String card = ModelCard.of(report(plan, ExitReason.SUCCESS), "org/name").markdown();

    assertThat(frontMatter(card).toString())
        .isEqualTo(
            "{\"base_model\":\"org/name\",\"library_name\":\"peft\","
                + "\"pipeline_tag\":\"text-generation\","
                + "\"tags\":[\"safegrad\",\"safety-alignment\",\"lora\"]}");
    assertThat(card)
        .contains(
            "# support-bot\n\nA LoRA adapter of `org/name`, revision `12fd25f`, fine-tuned with"
                + " SafeGrad by SafeGrad Operator 1.2.\n",
            "| | start model | this adapter |\n|---|---|---|\n"
                + "| harmful prompts refused | 100.0% [96.3, 100.0] of 100 | 90.0% [82.6, 94.5] of"
                + " 100 |\n",
            "| task solved | - | - |\n\n",
            "The gate held; the adapter is published.\n",
            "| plan | `" + plan.digest() + "` |\n",
            "| LoRA | rank 4, alpha 8, on `q_proj` |\n")
        .doesNotContain("secret-project", "{{", "{%", "Do not use");
  }

  @Test
  void aWholeModelIsForTransformersAndGgufIsTagged() throws IOException {
    TrainingPlan plan = plan("{mode: Full}", "[Merged, GgufQ8_0]");

    String card = ModelCard.of(report(plan, ExitReason.SUCCESS), "org/name").markdown();

    assertThat(frontMatter(card).path("library_name").asText()).isEqualTo("transformers");
    assertThat(frontMatter(card).path("tags").toString()).contains("gguf").doesNotContain("lora");
    assertThat(card).contains("A copy of `org/name`").doesNotContain("| LoRA |");
  }

  @Test
  void whatTheGateRefusedSaysSo() {
    TrainingPlan plan = plan("{}", "[Adapter]");

    String card = ModelCard.of(report(plan, ExitReason.GATE_REFUSED), "org/name").markdown();

    assertThat(card).contains("**The safety gate refused this adapter. Do not use it.**\n\n| |");
  }

  @Test
  void noNameCanBreakOutOfItsPlace() throws IOException {
    String name = "/models/{{ 1 + 1 }} {% raw %}`|\"\\: - x";
    TrainingPlan plan = plan("{}", "[Adapter]");

    String card = ModelCard.of(report(plan, ExitReason.SUCCESS), name).markdown();

    assertThat(frontMatter(card).path("base_model").asText()).isEqualTo(name);
    assertThat(card).contains("A LoRA adapter of `/models/{{ 1 + 1 }} {% raw %}'/\"\\: - x`, ");
  }

  private static TrainingPlan plan(String training, String formats) {
    return TrainingPlan.of(Manifest.read(MANIFEST.formatted(training, formats)));
  }

  private static JsonNode frontMatter(String card) throws IOException {
    assertThat(card).startsWith("---\n");
    return new ObjectMapper(new YAMLFactory()).readTree(card.substring(0, card.indexOf("\n---\n")));
  }

  private static RunReport report(TrainingPlan plan, ExitReason reason) {
    SafetyMeasurements start =
        new SafetyMeasurements(Measurement.of(100, 100), Measurement.of(1, 100), null)
            .withJudge(JUDGE);
    SafetyMeasurements tuned =
        new SafetyMeasurements(Measurement.of(90, 100), Measurement.of(2, 100), null)
            .withJudge(JUDGE);
    return new RunReport(
        RunReport.SCHEMA,
        plan.run(),
        new RunReport.Verdict(
            reason, "the gate held; the adapter is published", plan.safety().gate(), List.of()),
        new RunReport.Measurements(start, tuned),
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        List.of(
            new RunReport.Input(
                "model.source",
                "hf://org/name",
                "12fd25f",
                "sha256:0",
                null,
                null,
                null,
                null,
                Map.of())),
        plan,
        new RunVersions("1.2", "0", "0", "17", "Linux", null, 1, "cpu", "float32"),
        null,
        Map.of(),
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:01Z");
  }
}
