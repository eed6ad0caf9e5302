package io.safegrad.trainer.builtin;

import static io.safegrad.api.v1alpha1.Method.ProjectionScope.Global;

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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
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
      names = "--lisa",
      split = ",",
      defaultValue = "2:18:1",
      description = "Lisa's alignmentSteps:userSteps:proximalWeight.")
  private List<String> lisas;

  @Option(
      names = "--spag",
      split = ",",
      defaultValue = "0.2:1",
      description = "Spag's threshold:maxStepSize.")
  private List<String> spags;

  @Option(
      names = "--safe-lora",
      split = ",",
      defaultValue = "0.5",
      description =
          "SafeLora's threshold; the base model is the built-in one, its alignment trained away.")
  private List<Double> safeLoras;

  @Option(names = "--scope", split = ",", defaultValue = "Global")
  private List<Method.ProjectionScope> scopes;

  @Option(names = "--refresh", split = ",", defaultValue = "1")
  private List<Integer> refreshes;

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
        "method               poison steps   rate  batch align weight rank targets   seed |"
            + " refusal              over-refusal         accuracy             conflict acted seconds");
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
      boolean aligned = name.readsAlignmentSet();
      for (int alignmentBatch : aligned ? alignmentBatches : List.of(1)) {
        for (double weight : name.hasAlignmentWeight() ? weights : List.of(0.0)) {
          variants(new Method(name, weight, alignmentBatch))
              .forEach((text, method) -> tryMethod(trial, percent, text, method, training));
        }
      }
    }
  }

  /** A method with each of its own parameters' values, by what they are called in the table. */
  private Map<String, Method> variants(Method method) {
    Map<String, Method> variants = new LinkedHashMap<>();
    switch (method.name()) {
      case Sft -> variants.put("Sft", method);
      case SafeGrad, WeightedSum -> {
        for (Method.ProjectionScope scope : scopes) {
          for (int refresh : refreshes) {
            variants.put(
                method.name()
                    + (scope == Method.ProjectionScope.PerLayer ? " PerLayer" : "")
                    + (refresh > 1 ? " every " + refresh : ""),
                with(method, scope, refresh, null, null, null));
          }
        }
      }
      case Lisa -> {
        for (String each : lisas) {
          String[] parts = each.split(":");
          Method.Lisa lisa =
              new Method.Lisa(
                  Integer.valueOf(parts[0]), Integer.valueOf(parts[1]), Double.valueOf(parts[2]));
          variants.put("Lisa " + each, with(method, Global, 1, lisa, null, null));
        }
      }
      case Spag -> {
        for (String each : spags) {
          String[] parts = each.split(":");
          Method.Spag spag = new Method.Spag(Double.valueOf(parts[0]), Double.valueOf(parts[1]));
          variants.put("Spag " + each, with(method, Global, 1, null, spag, null));
        }
      }
      case SafeLora -> {
        for (Double each : safeLoras) {
          Method.SafeLora safeLora = new Method.SafeLora(null, each);
          variants.put("SafeLora " + each, with(method, Global, 1, null, null, safeLora));
        }
      }
    }
    return variants;
  }

  private static Method with(
      Method method,
      Method.ProjectionScope scope,
      int refresh,
      Method.Lisa lisa,
      Method.Spag spag,
      Method.SafeLora safeLora) {
    return new Method(
        method.name(),
        method.alignmentWeight(),
        method.alignmentBatchSize(),
        scope,
        refresh,
        0,
        lisa,
        spag,
        Method.OnConflict.Project,
        safeLora);
  }

  /** The steps of the settings are those on the user's examples; Lisa's others come on top. */
  private void tryMethod(Trial trial, int percent, String text, Method method, Training training) {
    int userSteps = training.maxSteps();
    int steps = method.lisa() == null ? userSteps : method.lisa().totalSteps(userSteps);
    Trial.Outcome outcome =
        trial.run("sentiment-poisoned-" + percent, method, withSteps(training, steps));
    row(
        String.format(
            Locale.ROOT,
            "%-20s %5d%% %5d %.0e %5d %5s %6s %4d %-9s %4d",
            text,
            percent,
            userSteps,
            training.learningRate(),
            training.batchSize(),
            method.name().readsAlignmentSet() ? method.alignmentBatchSize() : "-",
            method.name().hasAlignmentWeight() ? method.alignmentWeight() : "-",
            training.lora().rank(),
            name(training.lora().targetModules()),
            training.seed()),
        outcome.measurements(),
        String.format(
            Locale.ROOT,
            "%8s %5d %7.1f",
            outcome.conflictRatio() == null
                ? "-"
                : String.format(Locale.ROOT, "%.0f%%", 100 * outcome.conflictRatio()),
            outcome.interventions(),
            outcome.seconds()));
  }

  private static Training withSteps(Training training, int steps) {
    return training(
        steps,
        training.learningRate(),
        training.batchSize(),
        training.lora().rank(),
        name(training.lora().targetModules()),
        training.seed());
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
        "%-80s | %-20s %-20s %-20s %s%n",
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
