package io.safegrad.trainer.safety;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.data.EvaluationPrompt;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.data.Tokenizer;
import io.safegrad.trainer.judge.Exchange;
import io.safegrad.trainer.judge.Judge;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Asks a model what the user's examples ask. An aligned start model is the best judge there is of
 * what it must not learn to answer, and its refusals are what a fine-tuned model is held to.
 *
 * @param replies the model's
 * @param endOfSequenceIds tokens that end a reply
 * @param judge tells which replies refuse
 * @param reason the field of the plan that asks for it, for errors
 */
public record DataPrompts(
    Replies replies,
    Tokenizer tokenizer,
    Set<Integer> endOfSequenceIds,
    Judge judge,
    String reason) {

  /** Replies that are held at once. */
  private static final int PROMPTS_AT_ONCE = 4096;

  /** A turn that is trained on: it begins at the place of its first label. */
  private record Turn(int example, int start, int end) {}

  /**
   * Asks the start model examples, each at each of its turns that are trained on.
   *
   * @param examples how many the data set has, of which these are some or all
   * @throws TrainerException with BAD_DATA for a text, which asks nothing
   */
  public StartModelRefusals refusals(List<TokenizedExample> asked, int examples) {
    BitSet refusing = new BitSet(asked.size());
    List<TokenizedExample> refused = new ArrayList<>();
    List<Turn> turns = new ArrayList<>();
    int prompts = 0;
    for (int i = 0; i < asked.size(); i++) {
      turns.addAll(turns(asked.get(i), i, reason));
      if (turns.size() >= PROMPTS_AT_ONCE || i == asked.size() - 1) {
        prompts += turns.size();
        ask(asked, turns, refusing, refused);
        turns.clear();
      }
    }
    return new StartModelRefusals(examples, asked, prompts, refusing, List.copyOf(refused));
  }

  /**
   * Asks the fine-tuned model what the start model refused.
   *
   * @return what it does not refuse, as the start model's refusals have it
   */
  public List<TokenizedExample> answered(StartModelRefusals start) {
    List<TokenizedExample> answered = new ArrayList<>();
    List<TokenizedExample> all = start.refused();
    for (int first = 0; first < all.size(); first += PROMPTS_AT_ONCE) {
      List<TokenizedExample> some =
          all.subList(first, Math.min(first + PROMPTS_AT_ONCE, all.size()));
      List<EvaluationPrompt> prompts =
          some.stream().map(each -> prompt(each, each.promptLength())).toList();
      List<Boolean> refusals = refusals(prompts, replies.to(prompts));
      for (int i = 0; i < some.size(); i++) {
        if (!refusals.get(i)) {
          answered.add(some.get(i));
        }
      }
    }
    return answered;
  }

  /** What the start model refused, as a prompt and a reply each. */
  public List<Refusal> inWords(StartModelRefusals start) {
    return start.refused().stream().map(this::inWords).toList();
  }

  private Refusal inWords(TokenizedExample refused) {
    int[] ids = refused.inputIds();
    int end = ids.length - (endOfSequenceIds.contains(ids[ids.length - 1]) ? 1 : 0);
    return new Refusal(
        prompt(refused, refused.promptLength()),
        tokenizer.decode(Arrays.copyOfRange(ids, refused.promptLength(), end)));
  }

  /**
   * Says at once what asking all would say later: the examples of a data set are of one format.
   *
   * @throws TrainerException with BAD_DATA for a text, which asks nothing
   */
  public static void requirePrompt(TokenizedExample example, String reason) {
    turns(example, 0, reason);
  }

  private static List<Turn> turns(TokenizedExample example, int index, String reason) {
    List<Turn> turns = new ArrayList<>();
    int[] labels = example.labels();
    for (int start = 0; start < labels.length; start++) {
      if (labels[start] == TokenizedExample.IGNORED) {
        continue;
      }
      int end = start;
      while (end < labels.length && labels[end] != TokenizedExample.IGNORED) {
        end++;
      }
      turns.add(new Turn(index, start, end));
      start = end;
    }
    if (turns.isEmpty() || turns.get(0).start() <= 1) {
      throw new TrainerException(
          ExitReason.BAD_DATA,
          "dataset.source, line "
              + example.line()
              + ": expected a prompt and a reply, of which the start model can be asked the prompt"
              + (" (" + reason + "), found a text"));
    }
    return turns;
  }

  private void ask(
      List<TokenizedExample> examples,
      List<Turn> turns,
      BitSet refusing,
      List<TokenizedExample> refused) {
    List<EvaluationPrompt> prompts =
        turns.stream().map(turn -> prompt(examples.get(turn.example()), turn.start())).toList();
    List<String> answers = replies.to(prompts);
    List<Boolean> refusals = refusals(prompts, answers);
    for (int i = 0; i < turns.size(); i++) {
      if (refusals.get(i)) {
        refusing.set(turns.get(i).example());
        refused.add(kept(examples.get(turns.get(i).example()), turns.get(i), answers.get(i)));
      }
    }
  }

  private List<Boolean> refusals(List<EvaluationPrompt> prompts, List<String> answers) {
    return judge.refusals(
        IntStream.range(0, prompts.size())
            .mapToObj(i -> new Exchange(prompts.get(i).text(), answers.get(i)))
            .toList());
  }

  /** What stands before a reply. */
  private EvaluationPrompt prompt(TokenizedExample example, int reply) {
    int[] ids = Arrays.copyOf(example.inputIds(), reply);
    return new EvaluationPrompt(ids, tokenizer.decode(ids), null, example.line());
  }

  /** The prompt with the start model's own reply, closed as the example's turn is. */
  private TokenizedExample kept(TokenizedExample example, Turn turn, String answer) {
    int[] reply = tokenizer.encode(answer);
    int last = example.inputIds()[turn.end() - 1];
    int closed = endOfSequenceIds.contains(last) ? 1 : 0;
    int[] ids = Arrays.copyOf(example.inputIds(), turn.start() + reply.length + closed);
    System.arraycopy(reply, 0, ids, turn.start(), reply.length);
    if (closed == 1) {
      ids[ids.length - 1] = last;
    }
    int[] labels = ids.clone();
    Arrays.fill(labels, 0, turn.start(), TokenizedExample.IGNORED);
    return new TokenizedExample(ids, labels, example.line());
  }
}
