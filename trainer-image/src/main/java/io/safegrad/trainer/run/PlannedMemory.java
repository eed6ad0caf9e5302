package io.safegrad.trainer.run;

import io.safegrad.api.TrainingPlan;
import io.safegrad.api.v1alpha1.Gate;
import io.safegrad.api.v1alpha1.Method.OnConflict;
import io.safegrad.api.v1alpha1.Screening;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.trainer.data.EvaluationPrompt;
import io.safegrad.trainer.data.Packing;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.judge.ClassifierJudge;
import io.safegrad.trainer.judge.JudgeFactory;
import io.safegrad.trainer.model.MemoryEstimate;
import io.safegrad.trainer.model.MemoryEstimator;
import io.safegrad.trainer.model.Workload;
import io.safegrad.trainer.model.Workload.Rows;
import io.safegrad.trainer.report.RunJournal;
import io.safegrad.trainer.safety.ConflictAttribution;
import io.safegrad.trainer.safety.RefusalExamples;
import io.safegrad.trainer.safety.TemplatePrompts;
import io.safegrad.trainer.source.SourceResolver;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** What a plan needs of memory, by the lengths of its own data. */
public final class PlannedMemory {

  /** Prompts that {@code GreedyGeneration} answers together. */
  private static final int PROMPTS_AT_ONCE = 32;

  private PlannedMemory() {}

  /**
   * Finds and reads what the plan names, the weights excepted, and estimates.
   *
   * @param workspace for files that are removed again
   * @throws io.safegrad.trainer.TrainerException as a run of the plan would
   */
  public static MemoryEstimate of(TrainingPlan plan, SourceResolver resolver, Path workspace) {
    // An endpoint takes no memory here, and its token need not be at hand.
    JudgeFactory judges =
        plan.safety().evaluation().judge().endpoint() == null
            ? new JudgeFactory(resolver, null, null)
            : null;
    try (RunInputs inputs =
        RunInputs.read(plan, resolver, judges, workspace, new RunJournal(Clock.systemUTC()))) {
      return of(plan, inputs);
    }
  }

  static MemoryEstimate of(TrainingPlan plan, RunInputs inputs) {
    return new MemoryEstimator(
            inputs.config(), plan, workload(plan, inputs), Runtime.getRuntime().maxMemory())
        .estimate();
  }

  private static Workload workload(TrainingPlan plan, RunInputs inputs) {
    int batchSize = plan.training().batchSize();
    Rows user = rows(inputs.user(), batchSize);
    return new Workload(
        plan.training().packing() ? Rows.of(batchSize, plan.training().maxLength()) : user,
        plan.method().name().readsAlignmentSet()
            ? rows(inputs.alignment(), plan.method().alignmentBatchSize())
            : Rows.NONE,
        // Attribution compares with the start model, whatever the method does.
        responseTokens(inputs.alignment(), inputs.additionalAlignment(), inputs.heldOutAlignment())
            + refusalTokens(plan, inputs.harmful().size()),
        attribution(plan, inputs),
        prompts(plan, inputs),
        plan.safety().evaluation().maxNewTokens(),
        inputs.judge() instanceof ClassifierJudge classifier ? classifier.memoryBytes() : 0);
  }

  /** What the start model says where it refuses is kept where that model is not. */
  private static long refusalTokens(TrainingPlan plan, int harmful) {
    if (plan.training().mode() != Training.Mode.Full) {
      return 0;
    }
    Gate gate = plan.safety().gate();
    int length = plan.safety().evaluation().maxNewTokens() + 1;
    int longest = Math.max(length, RefusalExamples.LONGEST + 1);
    long refusals =
        RefusalExamples.count(harmful)
            + (gate.maxDataRefusalDrop() == null ? 0 : RefusalExamples.count(Integer.MAX_VALUE));
    // So many are hardly all cut.
    long inTemplates = gate.maxTemplateRefusalDrop() == null ? 0 : TemplatePrompts.most();
    return refusals * longest + inTemplates * length;
  }

  private static Workload.Attribution attribution(TrainingPlan plan, RunInputs inputs) {
    int batchSize = plan.training().batchSize();
    boolean measures =
        plan.safety().attribution().worstExamples() > 0
            || plan.method().resolved().onConflict() != OnConflict.Project;
    long tokens =
        ConflictAttribution.passTokens(TokenizedExample.lengths(inputs.user()), batchSize);
    if (measures && !inputs.alignment().isEmpty()) {
      return new Workload.Attribution(largestPass(inputs.alignment(), tokens), 0);
    }
    if (measures && inputs.spareAlignment() != null) {
      List<TokenizedExample> spare = inputs.spareAlignment().examples();
      return new Workload.Attribution(largestPass(spare, tokens), responseTokens(spare));
    }
    return Workload.Attribution.NONE;
  }

  private static Rows largestPass(List<TokenizedExample> examples, long tokens) {
    int[] lengths = TokenizedExample.lengths(examples);
    return Packing.batchesByLength(lengths, tokens).stream()
        .map(batch -> new Rows(batch.stream().mapToInt(index -> lengths[index]).toArray()))
        .max(Comparator.comparingLong(Rows::tokens))
        .orElse(Rows.NONE);
  }

  @SafeVarargs
  private static long responseTokens(List<TokenizedExample>... sets) {
    return Stream.of(sets).flatMap(List::stream).mapToLong(PlannedMemory::responseTokens).sum();
  }

  /** The largest batch: the longest examples may come together. */
  private static Rows rows(List<TokenizedExample> examples, int batchSize) {
    return new Rows(Packing.longest(TokenizedExample.lengths(examples), batchSize));
  }

  private static long responseTokens(TokenizedExample example) {
    return Arrays.stream(example.labels())
        .filter(label -> label != TokenizedExample.IGNORED)
        .count();
  }

  /** The largest batch: at most as if all its prompts were as long as the longest. */
  private static Rows prompts(TrainingPlan plan, RunInputs inputs) {
    Stream<Rows> evaluation =
        Stream.of(
                inputs.harmful(),
                inputs.harmless(),
                inputs.additionalHarmful(),
                inputs.additionalHarmless(),
                inputs.task())
            .filter(set -> !set.isEmpty())
            .map(set -> Rows.of(Math.min(PROMPTS_AT_ONCE, set.size()), longest(set)));
    return Stream.concat(evaluation, ofData(plan, inputs))
        .max(Comparator.comparingLong(Rows::tokens))
        .orElse(Rows.NONE);
  }

  /** What is asked of the user's data, at most as if a prompt were as long as its example. */
  private static Stream<Rows> ofData(TrainingPlan plan, RunInputs inputs) {
    Gate gate = plan.safety().gate();
    Rows longest = rows(inputs.user(), PROMPTS_AT_ONCE);
    Stream<Rows> asked =
        plan.safety().screening() == Screening.LeaveOut || gate.maxDataRefusalDrop() != null
            ? Stream.of(longest)
            : Stream.empty();
    if (gate.maxTemplateRefusalDrop() == null) {
      return asked;
    }
    // A template is shorter than an example that has it.
    int length = Arrays.stream(longest.lengths()).max().orElse(0) + longest(inputs.harmful());
    return Stream.concat(asked, Stream.of(Rows.of(PROMPTS_AT_ONCE, length)));
  }

  private static int longest(List<EvaluationPrompt> prompts) {
    return prompts.stream().mapToInt(prompt -> prompt.inputIds().length).max().orElse(0);
  }
}
