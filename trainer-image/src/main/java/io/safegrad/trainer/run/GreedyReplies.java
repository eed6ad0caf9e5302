package io.safegrad.trainer.run;

import io.safegrad.trainer.data.EvaluationPrompt;
import io.safegrad.trainer.data.Tokenizer;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.safety.Replies;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/**
 * What a model answers when each next token is the likeliest. Prompts of similar length are
 * answered together.
 *
 * @param maxNewTokens tokens after which a reply is cut
 * @param answered is told how many prompts were answered, after each of some at once; may throw to
 *     stop
 */
public record GreedyReplies(
    CausalLm model,
    Tokenizer tokenizer,
    Set<Integer> endOfSequenceIds,
    int maxNewTokens,
    IntConsumer answered)
    implements Replies {

  /** Enough rows for a full matrix product, few enough to stop soon when asked to. */
  private static final int PROMPTS_AT_ONCE = 64;

  @Override
  public List<String> to(List<EvaluationPrompt> prompts) {
    List<Integer> byLength =
        IntStream.range(0, prompts.size())
            .boxed()
            .sorted(Comparator.comparingInt(i -> prompts.get(i).inputIds().length))
            .toList();
    String[] replies = new String[prompts.size()];
    for (int start = 0; start < byLength.size(); start += PROMPTS_AT_ONCE) {
      List<Integer> some =
          byLength.subList(start, Math.min(start + PROMPTS_AT_ONCE, byLength.size()));
      List<int[]> tokens =
          model.generate(
              some.stream().map(i -> prompts.get(i).inputIds()).toList(),
              maxNewTokens,
              endOfSequenceIds);
      for (int i = 0; i < some.size(); i++) {
        replies[some.get(i)] = tokenizer.decode(tokens.get(i));
      }
      answered.accept(some.size());
    }
    return Arrays.asList(replies);
  }
}
