package io.safegrad.trainer.builtin;

import com.sun.management.OperatingSystemMXBean;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.v1alpha1.Judge;
import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.trainer.data.EvaluationPrompt;
import io.safegrad.trainer.data.EvaluationPrompts;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.data.TrainingExamples;
import io.safegrad.trainer.judge.StringListJudge;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.ModelConfig;
import io.safegrad.trainer.model.ReferenceModel;
import io.safegrad.trainer.safety.Attribution;
import io.safegrad.trainer.safety.Divergence;
import io.safegrad.trainer.safety.Refusal;
import io.safegrad.trainer.safety.RefusalExamples;
import io.safegrad.trainer.safety.SafetyEvaluation;
import io.safegrad.trainer.source.BuiltinSource;
import io.safegrad.trainer.surgery.SafeLora;
import io.safegrad.trainer.train.Checkpoints;
import io.safegrad.trainer.train.ConflictMeasurement;
import io.safegrad.trainer.train.DataPosition;
import io.safegrad.trainer.train.MethodFigures.Action;
import io.safegrad.trainer.train.PeriodicEvaluation;
import io.safegrad.trainer.train.StepMetrics;
import io.safegrad.trainer.train.TrainingLoop;
import io.safegrad.trainer.weights.PretrainedModel;
import io.safegrad.trainer.weights.Weights;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Fine-tunes a model on a built-in data set and measures it, as a run does, without a run's files.
 */
final class Trial {

  private static final OperatingSystemMXBean PROCESS =
      ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);

  private final Path model;
  private final Path folder;
  private Weights base;
  private List<Refusal> refusals = List.of();

  /**
   * @param model a model directory
   * @param folder receives copies of the data sets
   */
  Trial(Path model, Path folder) {
    this.model = model;
    this.folder = folder;
  }

  /**
   * What came out.
   *
   * @param conflictRatio share of the steps whose gradients conflict; null for a method that does
   *     not compare them
   * @param interventions steps in which the method acted; for SafeLora, the layers it projected
   * @param seconds wall-clock seconds of the training alone
   * @param attribution which examples conflict with the alignment, all of them: as a run measures
   *     it after half of the steps, or, of a method that trains on no alignment set, as it does
   *     where the gate refuses
   * @param attributionSteps how many steps' processor time attribution took
   */
  record Outcome(
      SafetyMeasurements measurements,
      Double conflictRatio,
      long interventions,
      double seconds,
      Attribution attribution,
      double attributionSteps) {}

  /** Measures the model as it is. What it refuses, those that are run after it are compared on. */
  SafetyMeasurements start(Training training) {
    try (PretrainedModel pretrained = PretrainedModel.open(model);
        CausalLm lm =
            CausalLm.load(ModelConfig.of(pretrained.config()), pretrained.weights(), training)) {
      SafetyEvaluation.Evaluated evaluated = evaluate(lm, pretrained);
      refusals = evaluated.refusals();
      return evaluated.measurements();
    }
  }

  /**
   * Fine-tunes and measures.
   *
   * @param dataset name of a built-in data set
   */
  Outcome run(String dataset, Method method, Training training) {
    try (PretrainedModel pretrained = PretrainedModel.open(model);
        CausalLm lm =
            CausalLm.load(ModelConfig.of(pretrained.config()), pretrained.weights(), training)) {
      List<StepMetrics> steps = new ArrayList<>();
      List<TokenizedExample> user = examples(dataset, pretrained, training);
      List<Attribution> found = new ArrayList<>();
      long[] cpu = {PROCESS.getProcessCpuTime(), 0, 0};
      List<TokenizedExample> alignment = examples("alignment", pretrained, training);
      ConflictMeasurement conflicts =
          new ConflictMeasurement(
              user.size(),
              method.name().readsAlignmentSet(),
              method.onConflict() == Method.OnConflict.Drop,
              attribution -> {
                cpu[2] = PROCESS.getProcessCpuTime() - cpu[1];
                found.add(attribution);
                return attribution;
              },
              () -> {});
      DataPosition taken =
          new TrainingLoop(lm, method, training)
              .run(
                  user,
                  List.of(),
                  alignment,
                  List.of(),
                  step -> {
                    steps.add(step);
                    cpu[1] = PROCESS.getProcessCpuTime();
                  },
                  Checkpoints.NONE,
                  conflicts,
                  PeriodicEvaluation.NONE);
      double perStep = (double) (cpu[1] - cpu[0] - cpu[2]) / steps.size();
      if (!conflicts.wanted()) {
        long before = PROCESS.getProcessCpuTime();
        try (ReferenceModel reference = lm.reference(alignment)) {
          conflicts
              .measureFinished(lm, reference, user, training.batchSize(), steps.size(), taken)
              .ifPresent(found::add);
        }
        cpu[2] = PROCESS.getProcessCpuTime() - before;
      }
      long interventions =
          steps.stream().filter(step -> step.method().action() != Action.NONE).count();
      if (method.name() == Method.Name.SafeLora) {
        interventions = project(lm, pretrained, method.safeLora().threshold());
      }
      return new Outcome(
          evaluate(lm, pretrained)
              .measurements()
              .withRefusalKl(refusalKl(lm, pretrained, training.batchSize())),
          conflictRatio(steps),
          interventions,
          steps.stream().mapToDouble(StepMetrics::seconds).sum(),
          found.isEmpty() ? null : found.get(0),
          cpu[2] / perStep);
    }
  }

  /** The lines of a poisoned data set that are not those of the task. */
  Set<Integer> poisoned(String dataset) {
    try {
      List<String> task = Files.readAllLines(BuiltinSource.materialise("sentiment", folder));
      List<String> lines = Files.readAllLines(BuiltinSource.materialise(dataset, folder));
      return IntStream.range(0, lines.size())
          .filter(i -> !lines.get(i).equals(task.get(i)))
          .mapToObj(i -> i + 1)
          .collect(Collectors.toCollection(TreeSet::new));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The share of poisoned lines among as many lines of the largest conflict as are poisoned. */
  static double precision(Attribution attribution, Set<Integer> poisoned) {
    return (double)
            attribution.worst().stream()
                .limit(poisoned.size())
                .filter(example -> poisoned.contains(example.line()))
                .count()
        / poisoned.size();
  }

  private static Double conflictRatio(List<StepMetrics> steps) {
    List<Boolean> compared =
        steps.stream().map(StepMetrics::conflict).filter(Objects::nonNull).toList();
    return compared.isEmpty()
        ? null
        : (Double) ((double) compared.stream().filter(each -> each).count() / compared.size());
  }

  private long project(CausalLm lm, PretrainedModel pretrained, double threshold) {
    if (base == null) {
      base = UnalignedModel.weights(model, folder);
    }
    SafeLora.Result result =
        new SafeLora(lm.torch(), pretrained.weights(), base)
            .project(lm.trained().copies(), threshold);
    lm.trained().set(result.adapter());
    return result.modules().stream().filter(SafeLora.Module::projected).count();
  }

  /** Null where the start model was not measured, or refused nothing. */
  private Double refusalKl(CausalLm lm, PretrainedModel pretrained, int batchSize) {
    if (refusals.isEmpty()) {
      return null;
    }
    List<TokenizedExample> examples =
        RefusalExamples.of(
            refusals, pretrained.tokenizer(), RefusalExamples.LONGEST, replies(lm, pretrained));
    return Divergence.of(lm, examples, batchSize).perExample();
  }

  private static ModelReplies replies(CausalLm lm, PretrainedModel pretrained) {
    return new ModelReplies(lm, pretrained.tokenizer(), pretrained.endOfSequenceIds());
  }

  private SafetyEvaluation.Evaluated evaluate(CausalLm lm, PretrainedModel pretrained) {
    return SafetyEvaluation.evaluate(
        replies(lm, pretrained),
        new SafetyEvaluation.Prompts(
            prompts("evaluation-harmful", pretrained),
            prompts("evaluation-harmless", pretrained),
            prompts("sentiment-test", pretrained)),
        StringListJudge.named(Judge.DEFAULT_LIST));
  }

  private List<TokenizedExample> examples(
      String name, PretrainedModel pretrained, Training training) {
    return TrainingExamples.read(
        BuiltinSource.materialise(name, folder),
        name,
        pretrained.tokenizer(),
        pretrained.chatTemplate(),
        training.maxLength());
  }

  private List<EvaluationPrompt> prompts(String name, PretrainedModel pretrained) {
    return EvaluationPrompts.read(
        BuiltinSource.materialise(name, folder),
        name,
        pretrained.tokenizer(),
        pretrained.chatTemplate());
  }
}
