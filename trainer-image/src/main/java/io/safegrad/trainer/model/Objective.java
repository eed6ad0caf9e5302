package io.safegrad.trainer.model;

import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.ReferenceModel.AlignmentBatch;
import io.safegrad.trainer.tensor.Operators;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** A loss at some positions of a batch, times a factor. */
interface Objective {

  /** The positions in the flat batch whose next token the loss is about. */
  long[] positions();

  /** The tokens that come there, [positions]; none where the loss is about all tokens. */
  long[] targets();

  /**
   * Evaluates the loss.
   *
   * @param states [positions, hidden], after the final norm
   * @param targets [positions]
   * @param head [vocabulary, hidden]
   * @param headGradient receives the head's gradient, unless it is empty
   * @param softCap of the logits; 0 for none
   * @return the sum of the loss over the positions, not scaled, as a scalar; and its scaled
   *     gradient by the states, [positions, hidden]
   */
  List<Tensor> evaluate(
      Operators operators,
      Scope results,
      Tensor states,
      Tensor targets,
      Tensor head,
      Tensor headGradient,
      double softCap);

  /** Cross-entropy of the labels. */
  record CrossEntropy(long[] positions, long[] targets, double scale) implements Objective {

    static CrossEntropy of(Batch batch, int firstToken, double scale) {
      int[] labelled = labelled(batch);
      long[] targets = new long[labelled.length];
      for (int i = 0; i < targets.length; i++) {
        targets[i] = batch.labels()[labelled[i]];
      }
      return new CrossEntropy(before(labelled, firstToken), targets, scale);
    }

    @Override
    public List<Tensor> evaluate(
        Operators operators,
        Scope results,
        Tensor states,
        Tensor targets,
        Tensor head,
        Tensor headGradient,
        double softCap) {
      return operators.call(
          results, "cross_entropy", states, head, targets, headGradient, softCap, scale);
    }
  }

  /** KL divergence of the model from the start model, forward: KL(start model ‖ model). */
  record KlDivergence(long[] positions, List<Tensor> expected, Tensor expectedHead, double scale)
      implements Objective {

    static KlDivergence of(AlignmentBatch alignment, int firstToken, double scale) {
      int[] labelled = labelled(alignment.batch());
      return new KlDivergence(
          before(labelled, firstToken), alignment.states(), alignment.reference().head(), scale);
    }

    @Override
    public long[] targets() {
      return new long[0];
    }

    @Override
    public List<Tensor> evaluate(
        Operators operators,
        Scope results,
        Tensor states,
        Tensor targets,
        Tensor head,
        Tensor headGradient,
        double softCap) {
      Tensor expectedStates = operators.one(results, "concatenate", expected);
      return operators.call(
          results,
          "kl_divergence",
          states,
          head,
          expectedStates,
          expectedHead,
          headGradient,
          softCap,
          scale);
    }
  }

  /** Indexes into a batch's labels of the tokens that are trained on. */
  static int[] labelled(Batch batch) {
    return IntStream.range(0, batch.labels().length)
        .filter(i -> batch.labels()[i] != TokenizedExample.IGNORED)
        .toArray();
  }

  /** The positions before the labelled tokens, in a pass where the batch begins at some token. */
  static long[] before(int[] labelled, int firstToken) {
    return Arrays.stream(labelled).mapToLong(token -> firstToken + token - 1L).toArray();
  }
}
