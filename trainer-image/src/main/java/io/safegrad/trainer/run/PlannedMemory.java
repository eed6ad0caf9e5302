package io.safegrad.trainer.run;

import io.safegrad.api.TrainingPlan;
import io.safegrad.trainer.data.EvaluationPrompt;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.MemoryEstimate;
import io.safegrad.trainer.model.MemoryEstimator;
import io.safegrad.trainer.model.Workload;
import io.safegrad.trainer.model.Workload.Rows;
import io.safegrad.trainer.report.RunJournal;
import io.safegrad.trainer.source.SourceResolver;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What a plan needs of memory, by the lengths of its own data. */
public final class PlannedMemory {

  /** Prompts that {@code GreedyGeneration} answers together; all have one length. */
  private static final int PROMPTS_AT_ONCE = 32;

  private PlannedMemory() {}

  /**
   * Finds and reads what the plan names, the weights excepted, and estimates.
   *
   * @param workspace for files that are removed again
   * @throws io.safegrad.trainer.TrainerException as a run of the plan would
   */
  public static MemoryEstimate of(TrainingPlan plan, SourceResolver resolver, Path workspace) {
    try (RunInputs inputs =
        RunInputs.read(plan, resolver, null, workspace, new RunJournal(Clock.systemUTC()))) {
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
        plan.training().packing() ? new Rows(batchSize, plan.training().maxLength()) : user,
        rows(inputs.alignment(), plan.method().alignmentBatchSize()),
        comparedWithStart(plan, inputs)
            .flatMap(List::stream)
            .mapToLong(PlannedMemory::responseTokens)
            .sum(),
        prompts(inputs),
        plan.safety().evaluation().maxNewTokens());
  }

  /** The largest batch: its rows are padded to the longest of them. */
  private static Rows rows(List<TokenizedExample> examples, int batchSize) {
    int longest = examples.stream().mapToInt(TokenizedExample::length).max().orElse(0);
    return new Rows(Math.min(batchSize, examples.size()), longest);
  }

  private static Stream<List<TokenizedExample>> comparedWithStart(
      TrainingPlan plan, RunInputs inputs) {
    return plan.method().name().hasAlignmentWeight()
        ? Stream.of(inputs.alignment(), inputs.additionalAlignment(), inputs.heldOutAlignment())
        : Stream.of(inputs.heldOutAlignment());
  }

  private static long responseTokens(TokenizedExample example) {
    return Arrays.stream(example.labels())
        .filter(label -> label != TokenizedExample.IGNORED)
        .count();
  }

  private static Rows prompts(RunInputs inputs) {
    Map<Integer, Long> countOf =
        Stream.of(
                inputs.harmful(),
                inputs.harmless(),
                inputs.additionalHarmful(),
                inputs.additionalHarmless(),
                inputs.task())
            .flatMap(Collection::stream)
            .map(EvaluationPrompt::inputIds)
            .collect(Collectors.groupingBy(ids -> ids.length, Collectors.counting()));
    return countOf.entrySet().stream()
        .map(each -> new Rows((int) Math.min(PROMPTS_AT_ONCE, each.getValue()), each.getKey()))
        .max((a, b) -> Long.compare((long) a.count() * a.length(), (long) b.count() * b.length()))
        .orElse(Rows.NONE);
  }
}
