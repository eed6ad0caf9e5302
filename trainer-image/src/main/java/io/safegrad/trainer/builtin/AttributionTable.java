package io.safegrad.trainer.builtin;

import io.safegrad.api.Measurement;
import io.safegrad.api.v1alpha1.Lora;
import io.safegrad.api.v1alpha1.Lora.TargetModule;
import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Method.OnConflict;
import io.safegrad.api.v1alpha1.Method.ProjectionScope;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.trainer.safety.Attribution;
import io.safegrad.trainer.source.BuiltinSource;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * How well attribution finds the poisoned lines of the built-in task, and what leaving them out
 * gives. Run from the repository's root after {@code ./mvnw package}:
 *
 * <pre>
 * java -cp 'trainer-image/target/*:trainer-image/target/lib/*' io.safegrad.trainer.builtin.AttributionTable
 * </pre>
 */
@Command(
    name = "AttributionTable",
    description = "Measures how well attribution finds poisoned lines.",
    sortOptions = false,
    showDefaultValues = true,
    mixinStandardHelpOptions = true)
public final class AttributionTable implements Callable<Integer> {

  @Option(
      names = "--poisoned",
      split = ",",
      defaultValue = "0,5,10,20,30,50",
      description = "Percent.")
  private List<Integer> poisoned;

  @Option(names = "--seed", split = ",", defaultValue = "43,44,45")
  private List<Integer> seeds;

  @Option(
      names = "--method",
      defaultValue = "SafeGrad",
      description = "Sft is measured as where the gate refuses: when it is finished.")
  private Method.Name method;

  @Option(names = "--on-conflict", split = ",", defaultValue = "Project,Drop")
  private List<OnConflict> onConflict;

  @Option(names = "--steps", defaultValue = "200")
  private int steps;

  @Option(
      names = "--workspace",
      defaultValue = "trainer-image/target/builtin",
      description = "The folder for files needed meanwhile.")
  private Path workspace;

  private final PrintStream out;

  private AttributionTable(PrintStream out) {
    this.out = out;
  }

  /** Prints the table. */
  public static void main(String[] arguments) {
    System.exit(new CommandLine(new AttributionTable(System.out)).execute(arguments));
  }

  @Override
  public Integer call() throws IOException {
    Path folder = Files.createDirectories(workspace);
    Trial trial = new Trial(BuiltinSource.materialise("tiny-aligned", folder), folder);
    out.println(
        "| poisoned | seed | onConflict | precision at k | stand apart | of them poisoned |"
            + " cost in steps | refusal | over-refusal | accuracy |");
    out.println("|---|---|---|---|---|---|---|---|---|---|");
    for (int percent : poisoned) {
      for (int seed : seeds) {
        for (OnConflict each : onConflict) {
          row(trial, percent, seed, each);
        }
      }
    }
    return 0;
  }

  private void row(Trial trial, int percent, int seed, OnConflict each) {
    String dataset = "sentiment-poisoned-" + percent;
    Set<Integer> lines = trial.poisoned(dataset);
    Trial.Outcome outcome = trial.run(dataset, method(each), training(seed));
    Attribution attribution = outcome.attribution();
    out.printf(
        Locale.ROOT,
        "| %d of %d | %d | %s | %s | %d | %d | %.1f | %s | %s | %s |%n",
        lines.size(),
        attribution.examples(),
        seed,
        each,
        lines.isEmpty()
            ? "-"
            : String.format(Locale.ROOT, "%.3f", Trial.precision(attribution, lines)),
        attribution.condemned().size(),
        attribution.condemned().stream().filter(lines::contains).count(),
        outcome.attributionSteps(),
        text(outcome.measurements().refusal()),
        text(outcome.measurements().overRefusal()),
        text(outcome.measurements().taskAccuracy()));
    out.flush();
  }

  private Method method(OnConflict onConflict) {
    return new Method(method, 1.0, 8, ProjectionScope.Global, 1, 0, null, null, onConflict, null);
  }

  private Training training(int seed) {
    return new Training(
        Training.Mode.Lora,
        1,
        steps,
        8,
        1,
        128,
        false,
        false,
        3e-3,
        Training.Scheduler.Cosine,
        0.03,
        0.0,
        1.0,
        seed,
        0,
        1,
        new Lora(8, 16, List.of(TargetModule.values())));
  }

  private static String text(Measurement measurement) {
    return String.format(
        Locale.ROOT,
        "%.1f%% [%.0f, %.0f]",
        100 * measurement.rate(),
        100 * measurement.low(),
        100 * measurement.high());
  }
}
