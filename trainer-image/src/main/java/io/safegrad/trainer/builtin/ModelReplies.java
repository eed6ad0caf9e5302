package io.safegrad.trainer.builtin;

import io.safegrad.trainer.data.EvaluationPrompt;
import io.safegrad.trainer.data.Tokenizer;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.safety.Replies;
import java.util.List;
import java.util.Set;

/** A built-in model's likeliest replies. */
public record ModelReplies(CausalLm model, Tokenizer tokenizer, Set<Integer> endOfSequenceIds)
    implements Replies {

  private static final int MAX_NEW_TOKENS = 48;

  @Override
  public List<String> to(List<EvaluationPrompt> prompts) {
    List<int[]> inputs = prompts.stream().map(EvaluationPrompt::inputIds).toList();
    return model.generate(inputs, MAX_NEW_TOKENS, endOfSequenceIds).stream()
        .map(tokenizer::decode)
        .toList();
  }
}
