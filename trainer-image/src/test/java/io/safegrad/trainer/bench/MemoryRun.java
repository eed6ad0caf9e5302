package io.safegrad.trainer.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.api.v1alpha1.Training.Mode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * A real trainer process that trains for some steps, as its launch script starts it, and what its
 * report says of its memory.
 *
 * @param estimateBytes what it expected to need before it loaded the model
 * @param peakBytes the most that it held
 */
record MemoryRun(long estimateBytes, long peakBytes) {

  private static final String THREADS = "2";
  private static final String WORDS = "rivers and trains and a garden in winter with bread ";

  private static final int EXAMPLES_OF_A_PACKED_ROW = 5;

  double ratio() {
    return (double) estimateBytes / peakBytes;
  }

  /**
   * Runs a case.
   *
   * @param script {@code bin/safegrad-trainer}
   * @param folder for the files of the run; empty
   * @param steps optimizer steps
   */
  static MemoryRun of(MemoryCase one, Path script, Path model, Path folder, int steps)
      throws IOException, InterruptedException {
    int examples = one.packing() ? EXAMPLES_OF_A_PACKED_ROW : 1;
    String text = "{\"text\": \"%s\"}%n".formatted(WORDS.repeat(one.length() / examples / 8 + 1));
    Path data =
        Files.writeString(folder.resolve("data.jsonl"), text.repeat(examples * (one.rows() + 1)));
    Path prompts =
        Files.writeString(folder.resolve("prompts.jsonl"), "{\"prompt\": \"Say something.\"}\n");
    Path output = folder.resolve("output");
    Path manifest =
        Files.writeString(
            folder.resolve("manifest.yaml"), manifest(one, model, data, prompts, output, steps));
    Path log = folder.resolve("log.txt");
    ProcessBuilder builder =
        new ProcessBuilder(script.toString(), "run", "--manifest", manifest.toString())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile());
    builder
        .environment()
        .putAll(
            Map.of(
                "SAFEGRAD_CLASSPATH", System.getProperty("java.class.path"),
                "JAVA_HOME", System.getProperty("java.home"),
                "OMP_NUM_THREADS", THREADS));
    int exit = builder.start().waitFor();
    if (exit != 0) {
      throw new IOException(
          "%s ended with %d:%n%s"
              .formatted(one, exit, Files.readString(log, StandardCharsets.UTF_8)));
    }
    JsonNode memory =
        new ObjectMapper().readTree(output.resolve("report.json").toFile()).path("memory");
    return new MemoryRun(memory.path("estimateBytes").asLong(), memory.path("peakBytes").asLong());
  }

  private static String manifest(
      MemoryCase one, Path model, Path data, Path prompts, Path output, int steps) {
    return """
        apiVersion: safegrad.io/v1alpha1
        kind: SafeFineTune
        metadata: {name: memory, namespace: bench}
        spec:
          model: {source: "file://%s", storage: %s}
          dataset: {source: "file://%s"}
          method: {name: %s, alignmentBatchSize: %d}
          training:
            {mode: %s, maxSteps: %d, batchSize: %d, maxLength: %d, gradientCheckpointing: %s, packing: %s, saveSteps: %d}
          safety:
            alignment: {source: "file://%s"}
            attribution: {worstExamples: %d}
            evaluation: {harmful: "file://%s", harmless: "file://%s", maxNewTokens: 2}
            gate: {minRefusalRate: 0, maxRefusalDrop: 1, maxOverRefusal: 1, maxRefusalKl: 1000}
          output: {destination: "file://%s"}
        """
        .formatted(
            model,
            one.storage(),
            data,
            one.method(),
            one.rows(),
            one.mode(),
            steps,
            one.rows(),
            one.length(),
            one.gradientCheckpointing(),
            one.packing(),
            // A checkpoint must take no memory of its own, in mode Full least of all.
            one.mode() == Mode.Full ? 1 : 0,
            data,
            one.attributed() ? 20 : 0,
            prompts,
            prompts,
            output);
  }
}
