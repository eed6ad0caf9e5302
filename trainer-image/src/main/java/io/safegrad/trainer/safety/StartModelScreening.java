package io.safegrad.trainer.safety;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.data.EvaluationPrompt;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.data.Tokenizer;
import io.safegrad.trainer.data.ValidationSplit;
import io.safegrad.trainer.judge.Exchange;
import io.safegrad.trainer.judge.Judge;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Asks the start model what the user's examples ask, before it learns them. An aligned model is the
 * best judge there is of what it must not learn to answer: what it refuses is no fine-tune's
 * business, whatever form the examples' own replies have. A prompt that it answers is not looked at
 * further, so harm in harmless words gets through.
 *
 * @param replies the start model's
 * @param endOfSequenceIds tokens that end a reply
 * @param judge tells which replies refuse
 */
public record StartModelScreening(
    Replies replies, Tokenizer tokenizer, Set<Integer> endOfSequenceIds, Judge judge) {

  /** Replies that are held at once. */
  private static final int PROMPTS_AT_ONCE = 4096;

  /**
   * The examples in two parts, each in the order of the file.
   *
   * @param kept what the start model answers
   * @param refused prompts that it refuses, with its own replies to be kept
   */
  public record Result(List<TokenizedExample> kept, List<TokenizedExample> refused) {

    /** The lines of what is refused; an example of several turns is named once. */
    public List<Integer> lines() {
      return refused.stream().map(TokenizedExample::line).distinct().toList();
    }
  }

  /** A turn that is trained on: it begins at the place of its first label. */
  private record Turn(int example, int start, int end) {}

  /**
   * Asks each example, at each of its turns that are trained on.
   *
   * @throws TrainerException with BAD_DATA for a text, which asks nothing, and when nothing is left
   */
  public Result of(List<TokenizedExample> user) {
    BitSet left = new BitSet(user.size());
    List<TokenizedExample> refused = new ArrayList<>();
    List<Turn> turns = new ArrayList<>();
    for (int i = 0; i < user.size(); i++) {
      turns.addAll(turns(user.get(i), i));
      if (turns.size() >= PROMPTS_AT_ONCE || i == user.size() - 1) {
        ask(user, turns, left, refused);
        turns.clear();
      }
    }
    if (left.cardinality() == user.size()) {
      throw new TrainerException(
          ExitReason.BAD_DATA,
          "dataset.source: expected examples whose prompts the start model answers"
              + " (safety.screening: LeaveOut), found that it refuses all "
              + user.size());
    }
    int[] kept = IntStream.range(0, user.size()).filter(i -> !left.get(i)).toArray();
    return new Result(
        left.isEmpty() ? user : ValidationSplit.selection(user, kept), List.copyOf(refused));
  }

  /**
   * Says at once what asking all would say later: the examples of a data set are of one format.
   *
   * @throws TrainerException with BAD_DATA for a text, which asks nothing
   */
  public static void requirePrompt(TokenizedExample example) {
    turns(example, 0);
  }

  private static List<Turn> turns(TokenizedExample example, int index) {
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
              + " (safety.screening: LeaveOut), found a text");
    }
    return turns;
  }

  private void ask(
      List<TokenizedExample> user, List<Turn> turns, BitSet left, List<TokenizedExample> refused) {
    List<EvaluationPrompt> prompts = turns.stream().map(turn -> prompt(user, turn)).toList();
    List<String> answers = replies.to(prompts);
    List<Boolean> refusals =
        judge.refusals(
            IntStream.range(0, turns.size())
                .mapToObj(i -> new Exchange(prompts.get(i).text(), answers.get(i)))
                .toList());
    for (int i = 0; i < turns.size(); i++) {
      if (refusals.get(i)) {
        left.set(turns.get(i).example());
        refused.add(kept(user.get(turns.get(i).example()), turns.get(i), answers.get(i)));
      }
    }
  }

  private EvaluationPrompt prompt(List<TokenizedExample> user, Turn turn) {
    TokenizedExample example = user.get(turn.example());
    int[] ids = Arrays.copyOf(example.inputIds(), turn.start());
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
