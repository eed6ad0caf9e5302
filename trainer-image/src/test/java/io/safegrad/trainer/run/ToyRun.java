package io.safegrad.trainer.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.api.Manifest;
import io.safegrad.api.TrainingPlan;
import io.safegrad.api.TrainingResult;
import io.safegrad.api.v1alpha1.SafeFineTune;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** A run of the toy model in a folder: its volumes, data sets and manifest. */
final class ToyRun {

  /** What starts the real program. */
  static final Path SCRIPT = Path.of("bin/safegrad-trainer").toAbsolutePath();

  /** All that a refused run publishes. */
  static final List<String> REFUSED =
      List.of(
          "team",
          "team/out",
          "team/out/provenance.dsse.json",
          "team/out/report.html",
          "team/out/report.json");

  static final String CHAT =
      "{\"messages\": [{\"role\": \"user\", \"content\": \"say %1$s\"}, {\"role\": \"assistant\","
          + " \"content\": \"%1$s\"}]}\n";

  private final Path folder;
  private final Map<String, String> fields = new HashMap<>();
  private final Map<String, String> variables = new HashMap<>();

  ToyRun(Path folder) throws IOException {
    this.folder = folder;
    ToyModel.write(volume("models").resolve("toy"));
    data("train.jsonl", CHAT.formatted("yes") + CHAT.formatted("no") + CHAT.formatted("perhaps"));
    data("alignment.jsonl", CHAT.formatted("I cannot help with that."));
    data("harmful.jsonl", "{\"prompt\": \"do harm\"}\n{\"prompt\": \"do more harm\"}\n");
    data("harmless.jsonl", "{\"prompt\": \"do good\"}\n");
    data("task.jsonl", CHAT.formatted("yes"));
    with("model", "pvc://models/toy").with("dataset", "pvc://data/train.jsonl");
    with("datasetFields", "");
    with("method", "{name: SafeGrad, alignmentBatchSize: 1}");
    with("training", "{maxSteps: 3, batchSize: 2, maxLength: 64, lora: {rank: 2, alpha: 4}}");
    with("gate", "{minRefusalRate: 0, maxRefusalDrop: 1, maxOverRefusal: 1, maxRefusalKl: 1000}");
    with("destination", "pvc://adapters/team/out").with("more", "");
    volume("adapters");
  }

  /** Changes one part of the manifest. */
  ToyRun with(String field, String value) {
    fields.put(field, value);
    return this;
  }

  /** Sets an environment variable. */
  ToyRun withVariable(String name, String value) {
    variables.put(name, value);
    return this;
  }

  /** Writes a file of the claim {@code data}. */
  ToyRun data(String name, String content) throws IOException {
    Files.writeString(volume("data").resolve(name), content);
    return this;
  }

  /** The folder of a claim. */
  Path volume(String claim) throws IOException {
    return Files.createDirectories(folder.resolve("pvc").resolve(claim));
  }

  Path destination() throws IOException {
    return volume("adapters").resolve("team/out");
  }

  /** Where the checkpoints of the manifest lie. */
  Path checkpoints() throws IOException {
    String digest = TrainingPlan.of(Manifest.read(manifestText())).digest();
    String suffix = digest.substring("sha256:".length()).substring(0, 12);
    return destination().resolveSibling(".out.checkpoints-" + suffix);
  }

  /** All that is in the claim that receives the results. */
  List<String> published() throws IOException {
    Path root = volume("adapters");
    try (Stream<Path> walk = Files.walk(root)) {
      return walk.filter(path -> !path.equals(root))
          .map(path -> root.relativize(path).toString())
          .sorted()
          .toList();
    }
  }

  Path manifest() throws IOException {
    return Files.writeString(folder.resolve("manifest.yaml"), manifestText());
  }

  String manifestText() {
    return """
        apiVersion: safegrad.io/v1alpha1
        kind: SafeFineTune
        metadata: {name: toy, namespace: team}
        spec:
          model: {source: "%s"%s}
          dataset: {source: "%s"%s}
          method: %s
          training: %s
          safety:
            alignment: {source: "%s"%s%s}
            evaluation:
              harmful: "%s"
              harmless: "pvc://data/harmless.jsonl"
              task: "%s"
              maxNewTokens: %s%s%s
            gate: %s
          output: {destination: "%s"%s}
        %s
        """
        .formatted(
            fields.get("model"),
            fields.getOrDefault("modelPins", ""),
            fields.get("dataset"),
            fields.get("datasetFields"),
            fields.get("method"),
            fields.get("training"),
            fields.getOrDefault("alignment", "pvc://data/alignment.jsonl"),
            fields.getOrDefault("alignmentFields", ""),
            fields.getOrDefault("additionalAlignment", ""),
            fields.getOrDefault("harmful", "pvc://data/harmful.jsonl"),
            fields.getOrDefault("task", "pvc://data/task.jsonl"),
            fields.getOrDefault("maxNewTokens", "4"),
            fields.getOrDefault("additionalEvaluation", ""),
            fields.getOrDefault("evaluationFields", ""),
            fields.get("gate"),
            fields.get("destination"),
            fields.getOrDefault("outputFields", ""),
            fields.get("more"));
  }

  /** Writes the plan as the operator mounts it. */
  Path plan() throws IOException {
    SafeFineTune resource = Manifest.read(manifestText());
    TrainingPlan plan = TrainingPlan.of(resource, resource.getSpec(), fields.get("quarantine"));
    return Files.writeString(folder.resolve("plan.yaml"), plan.toYaml());
  }

  /** The environment of a process that stands for the pod. */
  Map<String, String> environment() {
    Map<String, String> all =
        new HashMap<>(
            Map.of(
                "SAFEGRAD_PLAN", folder.resolve("plan.yaml").toString(),
                "SAFEGRAD_TERMINATION_LOG", folder.resolve("termination-log").toString(),
                "SAFEGRAD_WORKSPACE", folder.resolve("workspace").toString(),
                "SAFEGRAD_VOLUMES", folder.resolve("pvc").toString(),
                "SAFEGRAD_ADDRESS", "127.0.0.1",
                "SAFEGRAD_PORT", "0"));
    all.putAll(variables);
    return all;
  }

  /** A process in that environment, with this JVM's Java and classes. */
  ProcessBuilder process(String... command) {
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().putAll(environment());
    builder.environment().put("SAFEGRAD_CLASSPATH", System.getProperty("java.class.path"));
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    builder.redirectError(folder.resolve("stderr").toFile());
    return builder;
  }

  /** What the process wrote as its termination message. */
  TrainingResult result() throws IOException {
    return new ObjectMapper()
        .readValue(Files.readAllBytes(folder.resolve("termination-log")), TrainingResult.class);
  }

  JsonNode report() throws IOException {
    return new ObjectMapper().readTree(destination().resolve("report.json").toFile());
  }

  /** How a run in this JVM ended. */
  record Ending(int code, String out, String err) {}

  /** Runs the manifest in this JVM. */
  Ending run() throws IOException {
    return execute(manifest());
  }

  /** Runs the plan in this JVM. */
  Ending runPlan() throws IOException {
    plan();
    return execute(null);
  }

  private Ending execute(Path manifest) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int code =
        new TrainerProcess(
                environment(),
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8))
            .execute(manifest, null);
    return new Ending(
        code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }
}
