package io.safegrad.trainer.safety;

import io.safegrad.trainer.data.EvaluationPrompt;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.data.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A model's refusals as examples, each with its end. What another model expects at each of their
 * tokens tells how much of the refusals is left without asking a judge: where it would go on
 * although a refusal has ended, too.
 */
public final class RefusalExamples {

  /** Enough for a mean, and few enough that what the start model says of them can be kept. */
  private static final int MOST = 64;

  /** Tokens that are looked at of a refusal: its end is what most depends on. */
  public static final int LONGEST = 256;

  /** Few, as they are long: so many need no more memory than an evaluation. */
  private static final int ASKED_AT_ONCE = 16;

  private RefusalExamples() {}

  /** How many examples so many refusals make. */
  public static int count(int refusals) {
    return Math.min(MOST, refusals);
  }

  /** As many as are looked at, from all of them, in their order. */
  public static List<Refusal> some(List<Refusal> refusals) {
    return Spread.of(refusals, MOST);
  }

  /**
   * All refusals, or as many from all of the file. Those that were cut are asked for again; what
   * has no end by then is without one.
   *
   * @param cutAfter tokens after which the refusals were cut
   * @param longer the same model's replies, cut after {@value #LONGEST} tokens
   */
  public static List<TokenizedExample> of(
      List<Refusal> refusals, Tokenizer tokenizer, int cutAfter, Replies longer) {
    List<Refusal> some = new ArrayList<>(some(refusals));
    int longest = Math.max(cutAfter, LONGEST);
    if (cutAfter < longest) {
      askAgain(some, tokenizer, cutAfter, longer);
    }
    return some.stream().map(each -> example(each, tokenizer, longest)).toList();
  }

  private static void askAgain(
      List<Refusal> refusals, Tokenizer tokenizer, int cutAfter, Replies longer) {
    List<Integer> cut =
        IntStream.range(0, refusals.size())
            .filter(i -> isCut(tokenizer.encode(refusals.get(i).reply()), cutAfter))
            .boxed()
            .toList();
    for (int first = 0; first < cut.size(); first += ASKED_AT_ONCE) {
      List<Integer> some = cut.subList(first, Math.min(first + ASKED_AT_ONCE, cut.size()));
      List<EvaluationPrompt> prompts =
          some.stream().map(refusals::get).map(Refusal::prompt).toList();
      List<String> replies = longer.to(prompts);
      for (int i = 0; i < some.size(); i++) {
        refusals.set(some.get(i), new Refusal(prompts.get(i), replies.get(i)));
      }
    }
  }

  /** A text may have fewer tokens than it was written with; who is near the limit may be cut. */
  private static boolean isCut(int[] reply, int cutAfter) {
    return reply.length >= cutAfter - cutAfter / 8;
  }

  private static TokenizedExample example(Refusal refusal, Tokenizer tokenizer, int longest) {
    int[] asked = refusal.prompt().inputIds();
    int[] said = tokenizer.encode(refusal.reply());
    int end = isCut(said, longest) ? 0 : 1;
    int[] ids = Arrays.copyOf(asked, asked.length + said.length + end);
    System.arraycopy(said, 0, ids, asked.length, said.length);
    if (end == 1) {
      // Stands for the end: compared is what is expected there, and nothing reads what is there.
      ids[ids.length - 1] = ids[ids.length - 2];
    }
    int[] labels = ids.clone();
    Arrays.fill(labels, 0, asked.length, TokenizedExample.IGNORED);
    return new TokenizedExample(ids, labels, refusal.prompt().line());
  }
}
