package io.safegrad.trainer.model;

import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.data.Packing;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.tensor.Operators;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Function;

/**
 * What the start model says about some examples, mostly the alignment set: its last hidden states
 * where a response token comes next, computed when an example is first asked for and kept. With the
 * start model's output head they give its exact distributions. Which examples are computed together
 * is fixed, so that states do not depend on the batch that they are first needed in.
 */
public final class ReferenceModel implements AutoCloseable {

  private static final int PASS_TOKENS = 512;

  private final Scope scope;
  private final List<TokenizedExample> examples;
  private final List<List<Integer>> passOf;
  private final Operators operators;
  private final Tensor head;
  private final Function<Batch, Tensor> startModel;
  private final Tensor[] states;

  /**
   * @param scope holds the tensors and is closed with this
   * @param passes the indexes of the examples that are computed together; all of them, once
   * @param head the start model's head, [vocabulary, hidden]; no rows when it is the model's own
   * @param startModel the start model's states of a batch's response tokens, [tokens, hidden], in
   *     the given scope
   */
  ReferenceModel(
      Scope scope,
      List<TokenizedExample> examples,
      List<List<Integer>> passes,
      Operators operators,
      Tensor head,
      Function<Batch, Tensor> startModel) {
    this.scope = scope;
    this.examples = List.copyOf(examples);
    this.passOf = new ArrayList<>(Collections.nCopies(examples.size(), null));
    passes.forEach(pass -> pass.forEach(index -> passOf.set(index, pass)));
    this.operators = operators;
    this.head = head;
    this.startModel = startModel;
    this.states = new Tensor[examples.size()];
  }

  /** Passes that use the processor well and need little memory. */
  static List<List<Integer>> passes(List<TokenizedExample> examples) {
    return Packing.batchesByLength(TokenizedExample.lengths(examples), PASS_TOKENS);
  }

  /** How many examples there are. */
  public int size() {
    return examples.size();
  }

  /** Tokens of each example. */
  public int[] lengths() {
    return TokenizedExample.lengths(examples);
  }

  /** Some of the alignment set's examples as a batch. */
  public AlignmentBatch batch(List<Integer> indexes) {
    return new AlignmentBatch(
        Batch.of(indexes.stream().map(examples::get).toList()),
        indexes.stream().map(this::states).toList(),
        this);
  }

  /** Computes the states of all examples now, while the model still is the start model. */
  void computeAll() {
    for (int i = 0; i < states.length; i++) {
      states(i);
    }
  }

  private Tensor states(int index) {
    if (states[index] == null) {
      compute(passOf.get(index));
    }
    return states[index];
  }

  private void compute(List<Integer> pass) {
    Batch batch = Batch.of(pass.stream().map(examples::get).toList());
    try (Tensor all = startModel.apply(batch)) {
      int first = 0;
      for (int row = 0; row < pass.size(); row++) {
        int count = batch.rows(row, row + 1).responseTokens();
        states[pass.get(row)] = operators.one(scope, "rows", all, first, count);
        first += count;
      }
    }
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
   * @param states the start model's states of each example's response tokens, [tokens, hidden];
   *     empty where there is no start model to compare with
   * @param reference the start model; null for none
   */
  public record AlignmentBatch(Batch batch, List<Tensor> states, ReferenceModel reference) {

    /** Examples whose cross-entropy alone is of interest. */
    public static AlignmentBatch withoutReference(Batch batch) {
      return new AlignmentBatch(batch, List.of(), null);
    }

    /** How many tokens the KL divergence is taken at. */
    public int responseTokens() {
      return states.stream().mapToInt(each -> (int) each.shape()[0]).sum();
    }
  }
}
