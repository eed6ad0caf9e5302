package io.safegrad.trainer.train;

import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.ReferenceModel;
import io.safegrad.trainer.model.ReferenceModel.AlignmentBatch;
import io.safegrad.trainer.train.Window.Content;
import io.safegrad.trainer.train.Window.MicroBatch;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Forms the windows of a run. A window never reaches from one pass over the user's examples into
 * the next, so the last one of a pass may be smaller; alignment examples go round and round. Only
 * the user's examples are packed or grouped by length.
 */
final class WindowReader {

  private ExampleRows user;
  private final List<TokenizedExample> alignment;
  private final ReferenceModel reference;
  private final ReferenceModel own;
  private final int batchSize;
  private final int alignmentBatchSize;
  private final int accumulationSteps;
  private final ExampleOrder order;
  private final int seed;
  private final boolean groupByLength;
  private ExampleCycle userCycle;
  private final ExampleCycle alignmentCycle;
  private final ExampleCycle ownCycle;
  private long takenBefore;
  private long microBatchesBefore;

  /**
   * @param reference of the alignment examples; null when nothing is compared with the start model
   * @param own of the user's own alignment examples; null for none
   */
  WindowReader(
      ExampleRows user,
      List<TokenizedExample> alignment,
      ReferenceModel reference,
      ReferenceModel own,
      Method method,
      Training training,
      ExampleOrder order) {
    this.user = user;
    this.alignment = alignment;
    this.reference = reference;
    this.own = own;
    this.batchSize = training.batchSize();
    this.alignmentBatchSize = method.alignmentBatchSize();
    this.accumulationSteps = training.gradientAccumulationSteps();
    this.order = order;
    this.seed = training.seed();
    this.groupByLength = training.groupByLength() && order == ExampleOrder.SHUFFLED;
    this.userCycle = userCycle(training.seed());
    this.alignmentCycle = new ExampleCycle(alignment.size(), order, alignmentSeed(training));
    this.ownCycle = own == null ? null : new ExampleCycle(own.size(), order, ownSeed(training));
  }

  /**
   * What is computed together of the start model's answers to an alignment set: the batches of the
   * first pass over it, so that a step computes no more than it needs. A resumed run, which may
   * need an example first in another batch, gets the same states.
   *
   * @param size examples of the set
   * @param own whether it is the user's own
   */
  static List<List<Integer>> firstPass(
      int size, boolean own, Method method, Training training, ExampleOrder order) {
    return ExampleCycle.firstPass(
        size,
        order,
        own ? ownSeed(training) : alignmentSeed(training),
        method.alignmentBatchSize());
  }

  private static long alignmentSeed(Training training) {
    return training.seed() + 1L;
  }

  private static long ownSeed(Training training) {
    return training.seed() + 2L;
  }

  /** How far the data was read. */
  DataPosition position() {
    return new DataPosition(takenBefore + userCycle.taken(), alignmentCycle.taken());
  }

  /**
   * Leaves examples of the user's out from now on: a new pass over the others begins.
   *
   * @param lines where they stand in their file, ascending
   * @param taken how many of the user's rows were taken until now; a reader that has taken none
   *     goes on as one that has taken so many
   */
  void leaveOut(List<Integer> lines, long taken) {
    Set<Integer> out = new HashSet<>(lines);
    microBatchesBefore = microBatches(taken);
    takenBefore = taken;
    user = user.without(out);
    userCycle = userCycle(seed + 3L);
  }

  private ExampleCycle userCycle(long cycleSeed) {
    ExampleOrder userOrder =
        groupByLength
            ? ExampleOrder.groupedByLength(user.lengths(), batchSize * accumulationSteps)
            : order;
    return new ExampleCycle(user.size(), userOrder, cycleSeed);
  }

  /** Goes to where a reader of the same data and settings stood. */
  void skipTo(DataPosition position) {
    userCycle.skipTo(position.user() - takenBefore);
    alignmentCycle.skipTo(position.alignment());
    if (ownCycle != null) {
      long microBatches = microBatchesBefore + microBatches(position.user() - takenBefore);
      ownCycle.skipTo(microBatches * alignmentBatchSize);
    }
  }

  /** In how many micro-batches so many of the user's rows come: the last of a pass is short. */
  private long microBatches(long taken) {
    int ofAPass = (user.size() + batchSize - 1) / batchSize;
    return taken / user.size() * ofAPass + (taken % user.size() + batchSize - 1) / batchSize;
  }

  /** The next window; it has as many micro-batches as gradients are accumulated over. */
  Window next(Content content) {
    List<MicroBatch> microBatches = new ArrayList<>();
    List<TokenizedExample> userTaken = new ArrayList<>();
    List<TokenizedExample> alignmentTaken = new ArrayList<>();
    do {
      Batch userBatch = null;
      AlignmentBatch alignmentBatch = null;
      AlignmentBatch ownBatch = null;
      long pass = userCycle.taken();
      if (content != Content.ALIGNMENT) {
        List<TokenizedExample> examples = user.examples(userCycle.takeWithinPass(batchSize));
        userTaken.addAll(examples);
        userBatch = Batch.of(examples);
        ownBatch = own == null ? null : own.batch(ownCycle.take(alignmentBatchSize));
      }
      if (content != Content.USER) {
        List<Integer> indexes = alignmentCycle.take(alignmentBatchSize);
        List<TokenizedExample> examples = indexes.stream().map(alignment::get).toList();
        alignmentTaken.addAll(examples);
        alignmentBatch =
            reference == null
                ? AlignmentBatch.withoutReference(Batch.of(examples))
                : reference.batch(indexes);
      }
      microBatches.add(new MicroBatch(userBatch, alignmentBatch, ownBatch, pass));
    } while (microBatches.size() < accumulationSteps && !endsPass(content));
    return new Window(
        microBatches,
        tokens(userTaken) + tokens(alignmentTaken),
        lines(userTaken),
        lines(alignmentTaken));
  }

  private boolean endsPass(Content content) {
    return content != Content.ALIGNMENT && userCycle.atEndOfPass();
  }

  private static int tokens(List<TokenizedExample> examples) {
    return examples.stream().mapToInt(TokenizedExample::length).sum();
  }

  private static List<Integer> lines(List<TokenizedExample> examples) {
    return examples.stream().map(TokenizedExample::line).toList();
  }
}
