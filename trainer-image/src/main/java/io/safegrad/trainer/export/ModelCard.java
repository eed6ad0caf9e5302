package io.safegrad.trainer.export;

import com.fasterxml.jackson.databind.node.TextNode;
import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import io.safegrad.api.ExitReason;
import io.safegrad.api.Measurement;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.v1alpha1.Lora;
import io.safegrad.api.v1alpha1.Output.Format;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.trainer.report.RunReport;
import io.safegrad.trainer.telemetry.Rates;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The model card of a run, {@code README.md} in the Hugging Face hub's form. It says nothing that a
 * user wrote but the names of the run and of the model.
 *
 * @param markdown with the hub's metadata as YAML in front
 */
public record ModelCard(String markdown) {

  private static final String TEMPLATE = "model-card.md.jinja";

  /**
   * The card of what was trained.
   *
   * @param report of the run; its artifact is not looked at
   * @param baseModel the start model's name on the hub, or whatever its source was
   */
  public static ModelCard of(RunReport report, String baseModel) {
    // What is filled in is text and is never run as a template of its own.
    Jinjava jinjava =
        new Jinjava(
            JinjavaConfig.newBuilder()
                .withTrimBlocks(true)
                .withLstripBlocks(true)
                .withNestedInterpretationEnabled(false)
                .withFailOnUnknownTokens(false)
                .build());
    return new ModelCard(jinjava.render(template(), variables(report, baseModel)));
  }

  private static String template() {
    try (InputStream template = ModelCard.class.getResourceAsStream(TEMPLATE)) {
      return new String(template.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Map<String, Object> variables(RunReport report, String baseModel) {
    boolean lora = report.plan().training().mode() == Training.Mode.Lora;
    List<Format> formats = report.plan().output().formatsOrDefault();
    String method = report.plan().method().name().name();
    Map<String, Object> variables = new HashMap<>();
    variables.put("base_model_json", new TextNode(baseModel).toString());
    variables.put("base_model", inCode(baseModel));
    variables.put("revision", revision(report));
    variables.put("library", lora && formats.contains(Format.Adapter) ? "peft" : "transformers");
    variables.put("tags", tags(lora, formats, method));
    variables.put("name", report.run().substring(report.run().indexOf('/') + 1));
    variables.put("kind", lora ? "A LoRA adapter" : "A copy");
    variables.put("noun", lora ? "adapter" : "model");
    variables.put("method", method);
    variables.put("version", report.environment().safegrad());
    variables.put("refused", report.verdict().reason() == ExitReason.GATE_REFUSED);
    variables.put("measurements", measurements(report.measurements()));
    variables.put("judge", judge(report.measurements().tuned()));
    variables.put("verdict", verdict(report.verdict()));
    variables.put("run", report.run());
    variables.put("plan_digest", report.plan().digest());
    if (report.training() != null) {
      variables.put("steps", report.training().steps());
      variables.put("tokens", report.training().numTokens());
      Double conflict = report.training().conflictRatio();
      variables.put("conflict", conflict == null ? null : Rates.percent(conflict));
    }
    variables.put("lora", lora ? lora(report.plan().training().lora()) : null);
    return variables;
  }

  private static String judge(SafetyMeasurements measured) {
    return inCode(measured.judge() == null ? "unnamed" : measured.judge().name());
  }

  private static String verdict(RunReport.Verdict verdict) {
    String text = verdict.message();
    return Character.toUpperCase(text.charAt(0)) + text.substring(1);
  }

  private static List<String> tags(boolean lora, List<Format> formats, String method) {
    List<String> tags = new ArrayList<>(List.of("safegrad", "safety-alignment"));
    if (!method.equals("SafeGrad")) {
      tags.add(method.toLowerCase(Locale.ROOT));
    }
    if (lora) {
      tags.add("lora");
    }
    if (formats.contains(Format.GgufF16) || formats.contains(Format.GgufQ8_0)) {
      tags.add("gguf");
    }
    return tags;
  }

  private static List<Map<String, String>> measurements(RunReport.Measurements measurements) {
    return List.of(
        row("harmful prompts refused", measurements, SafetyMeasurements::refusal),
        row("harmless prompts refused", measurements, SafetyMeasurements::overRefusal),
        row("task solved", measurements, SafetyMeasurements::taskAccuracy));
  }

  private static Map<String, String> row(
      String name,
      RunReport.Measurements measurements,
      Function<SafetyMeasurements, Measurement> which) {
    return Map.of(
        "name", name,
        "start", Rates.withInterval(which.apply(measurements.start())),
        "tuned", Rates.withInterval(which.apply(measurements.tuned())));
  }

  /** The commit of an hf:// model; null for any other. */
  private static String revision(RunReport report) {
    return report.inputs().stream()
        .filter(input -> input.field().equals("model.source") && input.commit() != null)
        .map(RunReport.Input::commit)
        .findFirst()
        .orElse(null);
  }

  private static Map<String, Object> lora(Lora lora) {
    return Map.of(
        "rank", lora.rank(),
        "alpha", lora.alpha(),
        "targets",
            lora.targetModules().stream()
                .map(module -> "`" + module + "`")
                .collect(Collectors.joining(", ")));
  }

  /** A name in a Markdown code span, which ends with the first backtick. */
  private static String inCode(String text) {
    return text.replace('`', '\'').replace('|', '/');
  }
}
