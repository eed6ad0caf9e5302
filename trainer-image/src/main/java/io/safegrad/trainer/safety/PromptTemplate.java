package io.safegrad.trainer.safety;

import java.util.List;

/**
 * What stands around different requests.
 *
 * @param before the text before a request, a chat template's included
 * @param after the text after it, up to where the reply begins
 * @param examples which of the prompts that were looked at have both, from 0
 */
public record PromptTemplate(String before, String after, List<Integer> examples) {

  /** The prompt that asks something in this way. */
  public String around(String request) {
    return before + request + after;
  }
}
