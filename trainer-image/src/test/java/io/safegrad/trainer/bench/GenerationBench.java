package io.safegrad.trainer.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.trainer.data.EvaluationPrompt;
import io.safegrad.trainer.data.EvaluationPrompts;
import io.safegrad.trainer.source.BuiltinSource;
import io.safegrad.trainer.weights.PretrainedModel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * The replies of an evaluation against transformers' {@code generate}, left-padded, at the same
 * batches, in one interleaved run: each round runs every case once on each side, each in a process
 * of its own. The prompts are the built-in ones, the shortest first, in the model's chat template.
 */
@Command(name = "generation-bench", mixinStandardHelpOptions = true, sortOptions = false)
final class GenerationBench implements Runnable {

  private static final int THREADS = 2;
  private static final ObjectMapper JSON = new ObjectMapper();

  @Option(
      names = "--reference",
      required = true,
      description = "The folder that setup-reference.sh made.")
  private Path reference;

  @Option(
      names = "--script",
      defaultValue = "trainer-image/src/test/python/generate_reference.py",
      description = "The other side. Default: ${DEFAULT-VALUE}.")
  private Path script;

  @Option(names = "--prompts", defaultValue = "200", description = "Default: ${DEFAULT-VALUE}.")
  private int prompts;

  @Option(names = "--tokens", defaultValue = "64", description = "Default: ${DEFAULT-VALUE}.")
  private int tokens;

  @Option(names = "--batch", defaultValue = "32", description = "Default: ${DEFAULT-VALUE}.")
  private int batch;

  @Option(names = "--rounds", defaultValue = "2", description = "Default: ${DEFAULT-VALUE}.")
  private int rounds;

  private LaunchSettings launch;

  private enum Case {
    WHOLE("so many tokens each"),
    ENDING("until a reply ends");

    private final String title;

    Case(String title) {
      this.title = title;
    }
  }

  public static void main(String... arguments) {
    System.exit(new CommandLine(new GenerationBench()).execute(arguments));
  }

  @Override
  public void run() {
    try {
      compare(Files.createTempDirectory("generation-bench"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void compare(Path scratch) throws IOException, InterruptedException {
    launch = LaunchSettings.of(Path.of("trainer-image", "bin", "safegrad-trainer"));
    Path model = reference.resolve("SmolLM2-135M-Instruct");
    Path file = scratch.resolve("prompts.json");
    JSON.writeValue(file.toFile(), promptsOf(model, scratch));
    System.out.println(
        "| replies | reference CPU s | ours CPU s | ratio | reference wall s | ours wall s | ratio"
            + " | reference RSS MiB | ours RSS MiB | the same tokens |");
    System.out.println("|---|---|---|---|---|---|---|---|---|---|");
    for (Case each : Case.values()) {
      List<JsonNode> theirs = new ArrayList<>();
      List<JsonNode> ours = new ArrayList<>();
      for (int round = 0; round < rounds; round++) {
        theirs.add(measure(referenceCommand(), launch.waiting(), each, model, file));
        ours.add(
            measure(launch.command(GenerationWorker.class), launch.variables(), each, model, file));
      }
      System.out.printf(
          Locale.ROOT,
          "| %s | %.1f | %.1f | **%.2f** | %.1f | %.1f | **%.2f** | %.0f | %.0f | %d of %d |%n",
          each.title,
          median(theirs, "cpu_s"),
          median(ours, "cpu_s"),
          median(ours, "cpu_s") / median(theirs, "cpu_s"),
          median(theirs, "wall_s"),
          median(ours, "wall_s"),
          median(ours, "wall_s") / median(theirs, "wall_s"),
          median(theirs, "peak_rss_mib"),
          median(ours, "peak_rss_mib"),
          same(theirs.get(0).get("replies"), ours.get(0).get("replies")),
          prompts);
    }
  }

  private List<int[]> promptsOf(Path model, Path scratch) throws IOException {
    List<EvaluationPrompt> all = new ArrayList<>();
    try (PretrainedModel pretrained = PretrainedModel.open(model)) {
      for (String name : List.of("evaluation-harmful", "evaluation-harmless")) {
        all.addAll(
            EvaluationPrompts.read(
                BuiltinSource.materialise(name, scratch),
                name,
                pretrained.tokenizer(),
                pretrained.chatTemplate()));
      }
    }
    return all.stream()
        .limit(prompts)
        .map(EvaluationPrompt::inputIds)
        .sorted(Comparator.comparingInt(ids -> ids.length))
        .toList();
  }

  private JsonNode measure(
      List<String> side, Map<String, String> variables, Case benchCase, Path model, Path file)
      throws IOException, InterruptedException {
    Path out = Files.createTempFile("generation-bench", ".json");
    Path log = Files.createTempFile("generation-bench", ".txt");
    List<String> command = new ArrayList<>(side);
    command.addAll(List.of("--model", model.toString(), "--prompts", file.toString()));
    command.addAll(List.of("--batch", "" + batch, "--tokens", "" + tokens));
    command.addAll(List.of("--threads", "" + THREADS, "--out", out.toString()));
    if (benchCase == Case.WHOLE) {
      command.add("--whole");
    }
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    variables.forEach(builder.environment()::putIfAbsent);
    builder.environment().put("OMP_NUM_THREADS", Integer.toString(THREADS));
    int exit = builder.redirectOutput(log.toFile()).start().waitFor();
    if (exit != 0) {
      throw new IOException(command.get(0) + " ended with " + exit + ":\n" + Files.readString(log));
    }
    return JSON.readTree(out.toFile());
  }

  private List<String> referenceCommand() {
    return List.of(reference.resolve("venv/bin/python").toString(), script.toString());
  }

  private static double median(List<JsonNode> runs, String figure) {
    return BenchRow.median(runs.stream().map(run -> run.get(figure).asDouble()).toList());
  }

  private static int same(JsonNode theirs, JsonNode ours) {
    int same = 0;
    for (int i = 0; i < theirs.size(); i++) {
      same += theirs.get(i).equals(ours.get(i)) ? 1 : 0;
    }
    return same;
  }
}
