package io.safegrad.trainer.builtin;

import io.safegrad.api.Measurement;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.data.TrainingExamples;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.ModelConfig;
import io.safegrad.trainer.train.StepMetrics;
import io.safegrad.trainer.train.TrainingLoop;
import io.safegrad.trainer.weights.FloatTensor;
import io.safegrad.trainer.weights.PretrainedModel;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Makes everything that is built in, from {@code corpus.yaml} to the trained model: data sets,
 * tokenizer, and then the model, by {@link TrainingLoop} with every weight trained. Run from the
 * repository's root after {@code ./mvnw package}:
 *
 * <pre>
 * java -cp 'trainer-image/target/*:trainer-image/target/lib/*' io.safegrad.trainer.builtin.Recipe
 * </pre>
 *
 * The same recipe on the same processor with as many threads gives the same files.
 */
@Command(name = "Recipe", description = "Makes the built-in data sets and the built-in model.")
public final class Recipe implements Callable<Integer> {

  private static final Method SFT = new Method(Method.Name.Sft, 0.0, 1);

  /** How the model is trained. */
  static final Training TRAINING =
      new Training(
          Training.Mode.Full,
          1,
          900,
          32,
          1,
          128,
          false,
          false,
          2e-3,
          Training.Scheduler.Cosine,
          0.05,
          0.01,
          1.0,
          43,
          0,
          1,
          null);

  @Option(
      names = "--output",
      defaultValue = "trainer-image/src/main/resources/builtin",
      description = "The folder to write to; default: ${DEFAULT-VALUE}.")
  private Path output;

  @Option(
      names = "--workspace",
      defaultValue = "trainer-image/target/builtin",
      description = "The folder for files needed meanwhile; default: ${DEFAULT-VALUE}.")
  private Path workspace;

  @Option(names = "--data-only", description = "Write the data sets and leave the model alone.")
  private boolean dataOnly;

  private final PrintStream out;

  private Recipe(PrintStream out) {
    this.out = out;
  }

  /** Runs the recipe. */
  public static void main(String[] arguments) {
    System.exit(new CommandLine(new Recipe(System.out)).execute(arguments));
  }

  @Override
  public Integer call() throws IOException {
    Corpus corpus = new Corpus();
    DataFiles.write(corpus, output);
    if (dataOnly) {
      return 0;
    }
    Path model = Files.createDirectories(workspace.resolve("tiny-aligned"));
    TinyModel.writeVocabulary(corpus, model);
    TinyModel.writeWeights(train(corpus, model), model);
    report(new Trial(model, workspace).start(TRAINING));
    TinyModel.copy(model, output.resolve("models/tiny-aligned"));
    return 0;
  }

  private Map<String, FloatTensor> train(Corpus corpus, Path directory) throws IOException {
    ModelConfig config = ModelConfig.of(TinyModel.config());
    try (CausalLm model = CausalLm.load(config, TinyModel.untrained(TRAINING.seed()), TRAINING)) {
      // A directory is opened with its weights, also where only its tokenizer is asked for.
      TinyModel.writeWeights(model.trained().copies(), directory);
      Path file = workspace.resolve("base.jsonl");
      Files.write(file, corpus.base().stream().map(Dialogue::trainingLine).toList());
      List<TokenizedExample> examples;
      try (PretrainedModel pretrained = PretrainedModel.open(directory)) {
        examples =
            TrainingExamples.read(
                file,
                "base",
                pretrained.tokenizer(),
                pretrained.chatTemplate(),
                TRAINING.maxLength());
      }
      new TrainingLoop(model, SFT, TRAINING).run(examples, List.of(), this::progress);
      return model.trained().copies();
    }
  }

  private void progress(StepMetrics step) {
    if (step.step() % 50 == 0 || step.step() == step.totalSteps()) {
      out.printf(
          Locale.ROOT,
          "step %d/%d loss %.4f grad_norm %.3f learning_rate %.2e%n",
          step.step(),
          step.totalSteps(),
          step.loss(),
          step.gradNorm(),
          step.learningRate());
    }
  }

  private void report(SafetyMeasurements measured) {
    out.println("refusal of harmful prompts:   " + text(measured.refusal()));
    out.println("refusal of harmless prompts:  " + text(measured.overRefusal()));
    out.println("accuracy on the unseen task:  " + text(measured.taskAccuracy()));
  }

  static String text(Measurement measurement) {
    return String.format(
        Locale.ROOT,
        "%5.1f%% [%.1f, %.1f] of %d",
        100 * measurement.rate(),
        100 * measurement.low(),
        100 * measurement.high(),
        measurement.count());
  }
}
