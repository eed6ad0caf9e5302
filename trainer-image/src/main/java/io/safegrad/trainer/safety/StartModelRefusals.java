package io.safegrad.trainer.safety;

import io.safegrad.trainer.data.TokenizedExample;
import java.util.BitSet;
import java.util.List;

/**
 * What the start model refuses of the user's data.
 *
 * @param examples of the data set
 * @param asked the examples whose prompts it was asked
 * @param prompts how many prompts these have
 * @param refusing which of {@code asked} have a prompt that it refuses
 * @param refused the prompts that it refuses, each with its own reply, in the order of the file
 */
public record StartModelRefusals(
    int examples,
    List<TokenizedExample> asked,
    int prompts,
    BitSet refusing,
    List<TokenizedExample> refused) {

  /** The lines of the examples that it refuses, each once. */
  public List<Integer> lines() {
    return refused.stream().map(TokenizedExample::line).distinct().toList();
  }
}
