package io.safegrad.trainer.train;

import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.ReferenceModel;
import io.safegrad.trainer.safety.Attribution;
import io.safegrad.trainer.safety.ConflictAttribution;
import io.safegrad.trainer.safety.ConflictOutliers;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/**
 * Measures which examples pull the model away from its alignment: once in a training, after half of
 * the steps, and once more where the gate refuses what came out. In the first steps every example
 * does, since the model learns the task's form; later, those do whose content the start model would
 * not give.
 *
 * @param worst how many examples to name; with {@code wanted}, 0 or more
 * @param wanted whether to measure at all
 * @param leavesOut whether those that stand apart are left out from then on
 * @param completed is handed what was found and returns what is kept of it; may throw to end the
 *     run
 * @param batchDone is called after each batch; may throw to end the run
 */
public record ConflictMeasurement(
    int worst,
    boolean wanted,
    boolean leavesOut,
    UnaryOperator<Attribution> completed,
    Runnable batchDone) {

  /** Measures nothing. */
  public static final ConflictMeasurement NONE =
      new ConflictMeasurement(0, false, false, found -> found, () -> {});

  /** The step after which it is measured; 0 for never. */
  int step(int totalSteps, ReferenceModel reference) {
    return wanted && reference != null ? Math.max(1, totalSteps / 2) : 0;
  }

  /** Measures between two steps; null when the model has not left its start. */
  Attribution measure(
      CausalLm model,
      ReferenceModel reference,
      List<TokenizedExample> user,
      int batchSize,
      int step,
      long userTaken) {
    long start = System.nanoTime();
    return new ConflictAttribution(model, reference, batchSize, batchDone)
        .measure(user)
        .map(conflicts -> completed.apply(found(conflicts, user, step, start, userTaken)))
        .orElse(null);
  }

  /**
   * Measures a finished model, and completes nothing.
   *
   * @param reference of the alignment set
   * @param step the steps that were done
   * @param taken how far the data was read
   * @return empty when the model has not left its start
   */
  public Optional<Attribution> measureFinished(
      CausalLm model,
      ReferenceModel reference,
      List<TokenizedExample> user,
      int batchSize,
      int step,
      DataPosition taken) {
    long start = System.nanoTime();
    return new ConflictAttribution(model, reference, batchSize, batchDone)
        .measureFinished(user)
        .map(conflicts -> found(conflicts, user, step, start, taken.user()));
  }

  private Attribution found(
      double[] conflicts, List<TokenizedExample> user, int step, long start, long userTaken) {
    OptionalDouble threshold = ConflictOutliers.threshold(conflicts);
    List<Integer> condemned =
        threshold.isEmpty()
            ? List.of()
            : IntStream.range(0, conflicts.length)
                .filter(i -> conflicts[i] > threshold.getAsDouble())
                .mapToObj(i -> user.get(i).line())
                .sorted()
                .toList();
    List<Attribution.Example> named =
        IntStream.range(0, conflicts.length)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer i) -> conflicts[i]).reversed())
            .limit(worst)
            .map(i -> new Attribution.Example(user.get(i).line(), conflicts[i], null, null))
            .toList();
    return new Attribution(
        step,
        conflicts.length,
        (System.nanoTime() - start) / 1e9,
        threshold.isEmpty() ? null : (Double) threshold.getAsDouble(),
        condemned,
        named,
        userTaken);
  }
}
