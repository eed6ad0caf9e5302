package io.safegrad.trainer.model;

import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.model.Objective.CrossEntropy;
import io.safegrad.trainer.model.Objective.KlDivergence;
import io.safegrad.trainer.model.ReferenceModel.AlignmentBatch;
import io.safegrad.trainer.tensor.Operators;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.tensor.Torch;
import java.util.Arrays;
import java.util.List;

/**
 * The user's batch and the alignment batch in a forward and backward that give both gradients: the
 * rows share the products with frozen weights, and the adapter's gradients are summed over each
 * batch's own rows. Where the user's batch is large, only its last rows share the alignment batch's
 * pass: then no pass saves more than one of the user's whole batch would, and none is too small to
 * use the processor well.
 */
final class JointPass {

  /** Passes of fewer tokens use the processor less well. */
  private static final int LEAST_TOKENS = 256;

  private final TrainingPass trainingPass;
  private final Operators operators;
  private final Tensor gate;
  private final boolean split;

  /**
   * @param gate as {@code decoder_layer.torchscript} says
   */
  JointPass(TrainingPass trainingPass, Torch torch, Tensor gate) {
    this.trainingPass = trainingPass;
    this.operators = torch.operators();
    this.gate = gate;
    // A GPU computes the better the more rows a pass has.
    this.split = torch.compute().device().visible();
  }

  /**
   * Whether one pass is cheaper than two: the alignment batch is small beside the user's, too small
   * to use the processor well on its own.
   */
  static boolean pays(long userTokens, long alignmentTokens) {
    return 2 * alignmentTokens <= userTokens;
  }

  /**
   * How many of the user's first rows have a pass of their own on a processor.
   *
   * @param lengths tokens of each of the user's rows
   */
  static int alone(int[] lengths, long alignmentTokens) {
    long user = Arrays.stream(lengths).asLongStream().sum();
    long beside = 0;
    int first = lengths.length;
    while (first > 0) {
      long next = beside + lengths[first - 1];
      boolean small = beside + alignmentTokens < LEAST_TOKENS;
      if (!small && (beside >= alignmentTokens || next + alignmentTokens > user)) {
        break;
      }
      beside = next;
      first--;
    }
    return user - beside < LEAST_TOKENS ? 0 : first;
  }

  /**
   * As {@link LossGradients#addBoth}.
   *
   * @param dropout of the user's tokens; how many they are follows from the batches
   */
  List<Tensor> run(
      Scope results,
      Scope scope,
      ModelTensors model,
      Batch user,
      double userScale,
      AlignmentBatch alignment,
      double alignmentScale,
      ModelTensors userGradient,
      ModelTensors alignmentGradient,
      LoraDropout dropout) {
    int alone = split ? alone(user.lengths().toArray(), alignment.batch().tokens()) : 0;
    Batch beside = user.rows(alone, user.rows());
    List<Objective> objectives =
        List.of(
            CrossEntropy.of(beside, 0, userScale),
            KlDivergence.of(alignment, beside.tokens(), alignmentScale));
    List<Tensor> losses =
        trainingPass.run(
            results,
            scope,
            model,
            beside.followedBy(alignment.batch()),
            gate,
            objectives,
            new PassGradients(userGradient, alignmentGradient, beside.tokens()),
            dropout.of(beside.tokens(), 0));
    if (alone > 0) {
      Batch before = user.rows(0, alone);
      List<Tensor> first =
          trainingPass.run(
              results,
              scope,
              model,
              before,
              gate,
              List.of(CrossEntropy.of(before, 0, userScale)),
              PassGradients.of(userGradient),
              dropout.of(before.tokens(), 1));
      operators.apply("add_scaled_", losses.subList(0, 1), first, 1.0);
      first.get(0).close();
    }
    return losses;
  }
}
