package io.safegrad.trainer.model;

import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * The tokens that some prompts begin with, as those of one chat template do: they are read once,
 * not with each prompt.
 *
 * @param tokens how many
 * @param keys of each layer, [1, key heads, tokens, headDim]
 * @param values the same
 */
record PromptBeginning(int tokens, List<Tensor> keys, List<Tensor> values) {

  /** To read fewer by themselves costs what it saves. */
  private static final int LEAST = 8;

  /** None: every prompt is read as a whole. */
  static PromptBeginning none(Scope scope, ModelConfig config) {
    Tensor empty = scope.uninitialised(1, config.keyValueHeads(), 0, config.headDim());
    List<Tensor> ofEachLayer = Collections.nCopies(config.layers(), empty);
    return new PromptBeginning(0, ofEachLayer, ofEachLayer);
  }

  /** What the prompts begin with, at least one token left of each; empty if it is short. */
  static int[] shared(List<int[]> prompts) {
    if (prompts.size() < 2) {
      return new int[0];
    }
    int[] first = prompts.get(0);
    int shared = first.length - 1;
    for (int[] prompt : prompts) {
      int difference = Arrays.mismatch(first, prompt);
      int same = difference < 0 ? prompt.length : difference;
      shared = Math.min(shared, Math.min(same, prompt.length - 1));
    }
    return shared < LEAST ? new int[0] : Arrays.copyOf(first, shared);
  }
}
