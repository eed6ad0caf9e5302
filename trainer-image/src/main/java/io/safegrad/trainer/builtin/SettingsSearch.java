package io.safegrad.trainer.builtin;

import io.safegrad.api.Measurement;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.v1alpha1.Lora;
import io.safegrad.api.v1alpha1.Lora.TargetModule;
import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.trainer.source.BuiltinSource;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Tries settings of the quickstart on the built-in model and prints what each gives: the search
 * that {@code deploy/examples/quickstart.yaml} was found by. Each option takes several values;
 * every combination is run with every method. Run from the repository's root after {@code ./mvnw
 * package}:
 *
 * <pre>
 * java -cp 'trainer-image/target/*:trainer-image/target/lib/*' io.safegrad.trainer.builtin.SettingsSearch
 * </pre>
 */
@Command(
    name = "SettingsSearch",
    description = "Tries settings of the quickstart on the built-in model.",
    sortOptions = false,
    showDefaultValues = true,
    mixinStandardHelpOptions = true)
public final class SettingsSearch implements Callable<Integer> {

  @Option(names = "--poisoned", split = ",", defaultValue = "10", description = "Percent.")
  private List<Integer> poisoned;

  @Option(names = "--method", split = ",", defaultValue = "Sft,WeightedSum,SafeGrad")
  private List<Method.Name> methods;

  @Option(names = "--steps", split = ",", defaultValue = "120,200")
  private List<Integer> steps;

  @Option(names = "--learning-rate", split = ",", defaultValue = "2e-3,3e-3")
  private List<Double> learningRates;

  @Option(names = "--batch", split = ",", defaultValue = "8")
  private List<Integer> batches;

  @Option(names = "--alignment-batch", split = ",", defaultValue = "8,16")
  private List<Integer> alignmentBatches;

  @Option(names = "--weight", split = ",", defaultValue = "1")
  private List<Double> weights;

  @Option(names = "--rank", split = ",", defaultValue = "8")
  private List<Integer> ranks;

  @Option(
      names = "--targets",
      split = ",",
      defaultValue = "all",
      description = "all, attention, mlp")
  private List<String> targets;

  @Option(names = "--seed", split = ",", defaultValue = "43")
  private List<Integer> seeds;

  @Option(
      names = "--workspace",
      defaultValue = "trainer-image/target/builtin",
      description = "The folder for files needed meanwhile.")
  private Path workspace;

  private final PrintStream out;

  private SettingsSearch(PrintStream out) {
    this.out = out;
  }

  /** Runs the search. */
  public static void main(String[] arguments) {
    System.exit(new CommandLine(new SettingsSearch(System.out)).execute(arguments));
  }

  @Override
  public Integer call() throws IOException {
    Path folder = Files.createDirectories(workspace);
    Trial trial = new Trial(BuiltinSource.materialise("tiny-aligned", folder), folder);
    out.println(
        "method       poison steps   rate  batch align weight rank targets   seed |"
            + " refusal              over-refusal         accuracy             conflict seconds");
    row("start", trial.start(training(1, 1e-3, 1, 1, "all", 43)), "");
    for (int percent : poisoned) {
      for (int step : steps) {
        for (double rate : learningRates) {
          for (int batch : batches) {
            for (int rank : ranks) {
              for (String target : targets) {
                for (int seed : seeds) {
                  tryMethods(trial, percent, training(step, rate, batch, rank, target, seed));
                }
              }
            }
          }
        }
      }
    }
    return 0;
  }

  private void tryMethods(Trial trial, int percent, Training training) {
    for (Method.Name name : methods) {
      boolean sft = name == Method.Name.Sft;
      for (int alignmentBatch : sft ? List.of(1) : alignmentBatches) {
        for (double weight : sft ? List.of(0.0) : weights) {
          Trial.Outcome outcome =
              trial.run(
                  "sentiment-poisoned-" + percent,
                  new Method(name, weight, alignmentBatch),
                  training);
          row(
              String.format(
                  Locale.ROOT,
                  "%-12s %5d%% %5d %.0e %5d %5s %6s %4d %-9s %4d",
                  name,
                  percent,
                  training.maxSteps(),
                  training.learningRate(),
                  training.batchSize(),
                  sft ? "-" : alignmentBatch,
                  sft ? "-" : weight,
                  training.lora().rank(),
                  name(training.lora().targetModules()),
                  training.seed()),
              outcome.measurements(),
              String.format(
                  Locale.ROOT, "%7.0f%% %7.1f", 100 * outcome.conflictRatio(), outcome.seconds()));
        }
      }
    }
  }

  private static Training training(
      int steps, double rate, int batch, int rank, String targets, int seed) {
    return new Training(
        Training.Mode.Lora,
        1,
        steps,
        batch,
        1,
        128,
        false,
        false,
        rate,
        Training.Scheduler.Cosine,
        0.03,
        0.0,
        1.0,
        seed,
        0,
        1,
        new Lora(rank, 2 * rank, modules(targets)));
  }

  private static List<TargetModule> modules(String targets) {
    List<TargetModule> all = List.of(TargetModule.values());
    return switch (targets) {
      case "all" -> all;
      case "attention" -> all.subList(0, 4);
      case "mlp" -> all.subList(4, 7);
      default ->
          throw new IllegalArgumentException(
              "--targets: expected all, attention or mlp, found " + targets);
    };
  }

  private static String name(List<TargetModule> modules) {
    return modules.size() == 7 ? "all" : modules.size() == 4 ? "attention" : "mlp";
  }

  private void row(String settings, SafetyMeasurements measured, String rest) {
    out.printf(
        Locale.ROOT,
        "%-72s | %-20s %-20s %-20s %s%n",
        settings,
        text(measured.refusal()),
        text(measured.overRefusal()),
        text(measured.taskAccuracy()),
        rest);
    out.flush();
  }

  private static String text(Measurement measurement) {
    return String.format(
        Locale.ROOT,
        "%5.1f%% [%.0f, %.0f]",
        100 * measurement.rate(),
        100 * measurement.low(),
        100 * measurement.high());
  }
}
