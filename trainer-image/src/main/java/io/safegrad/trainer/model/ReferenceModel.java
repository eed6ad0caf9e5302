package io.safegrad.trainer.model;

import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What the start model says about the alignment set, computed once: its last hidden states where a
 * response token comes next. With the start model's output head they give its exact distributions.
 */
public final class ReferenceModel implements AutoCloseable {

  private final Scope scope;
  private final List<TokenizedExample> examples;
  private final Tensor states;
  private final Tensor head;
  private final int[] firstRow;

  /**
   * @param scope holds the tensors and is closed with this
   * @param states [response tokens of all examples, hidden], in the examples' order
   * @param head the start model's head, [vocabulary, hidden]
   */
  ReferenceModel(Scope scope, List<TokenizedExample> examples, Tensor states, Tensor head) {
    this.scope = scope;
    this.examples = List.copyOf(examples);
    this.states = states;
    this.head = head;
    this.firstRow = new int[examples.size() + 1];
    for (int i = 0; i < examples.size(); i++) {
      int responseTokens = Objective.labelled(Batch.of(List.of(examples.get(i)))).length;
      firstRow[i + 1] = firstRow[i] + responseTokens;
    }
  }

  /** Some of the alignment set's examples as a batch. */
  public AlignmentBatch batch(List<Integer> indexes) {
    long[] rows =
        indexes.stream()
            .flatMapToInt(i -> IntStream.range(firstRow[i], firstRow[i + 1]))
            .asLongStream()
            .toArray();
    return new AlignmentBatch(Batch.of(indexes.stream().map(examples::get).toList()), rows, this);
  }

  Tensor states() {
    return states;
  }

  Tensor head() {
    return head;
  }

  @Override
  public void close() {
    scope.close();
  }

  /**
   * Examples of the alignment set.
   *
   * @param batch the examples
   * @param referenceRows the rows of the reference's states, in the order of the batch's labels
   * @param reference the start model
   */
  public record AlignmentBatch(Batch batch, long[] referenceRows, ReferenceModel reference) {

    /** How many tokens the KL divergence is taken at. */
    public int responseTokens() {
      return referenceRows.length;
    }
  }
}
