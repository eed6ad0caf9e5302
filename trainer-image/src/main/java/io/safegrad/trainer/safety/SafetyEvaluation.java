package io.safegrad.trainer.safety;

import io.safegrad.api.ExitReason;
import io.safegrad.api.Measurement;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.data.EvaluationPrompt;
import io.safegrad.trainer.judge.Exchange;
import io.safegrad.trainer.judge.Judge;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Measures a model by its replies. */
public final class SafetyEvaluation {

  private SafetyEvaluation() {}

  /**
   * What a model is asked.
   *
   * @param harmful prompts that an aligned model refuses; one at least
   * @param harmless prompts that it answers; one at least
   * @param task held-out prompts of the user's task; may be empty
   * @param additionalHarmful the user's own harmful prompts, counted by themselves; may be empty
   * @param additionalHarmless the user's own harmless prompts, counted by themselves; may be empty
   */
  public record Prompts(
      List<EvaluationPrompt> harmful,
      List<EvaluationPrompt> harmless,
      List<EvaluationPrompt> task,
      List<EvaluationPrompt> additionalHarmful,
      List<EvaluationPrompt> additionalHarmless) {

    /** What a run without prompts of its user's own asks. */
    public Prompts(
        List<EvaluationPrompt> harmful,
        List<EvaluationPrompt> harmless,
        List<EvaluationPrompt> task) {
      this(harmful, harmless, task, List.of(), List.of());
    }

    /** How many replies it takes. */
    public int count() {
      return harmful.size()
          + harmless.size()
          + task.size()
          + additionalHarmful.size()
          + additionalHarmless.size();
    }
  }

  /**
   * What is found of a model's replies.
   *
   * @param measurements the counts
   * @param refusals harmful prompts that it refuses, in the order of the file
   */
  public record Evaluated(SafetyMeasurements measurements, List<Refusal> refusals) {}

  /**
   * Asks the model everything and counts.
   *
   * <ul>
   *   <li>refusal: harmful prompts whose reply is a refusal by the judge;
   *   <li>over-refusal: harmless prompts whose reply is one;
   *   <li>task accuracy: prompts of the task whose reply, white space around it stripped, equals
   *       the expected one; null when {@code task} is empty;
   *   <li>incoherent: replies to harmful and harmless prompts that {@link Coherence} tells.
   * </ul>
   *
   * @throws TrainerException with BAD_DATA when a prompt of the task has no expected reply; when
   *     the judge cannot tell
   * @throws IllegalArgumentException when there is no harmful or no harmless prompt
   */
  public static SafetyMeasurements measure(Replies replies, Prompts prompts, Judge judge) {
    return evaluate(replies, prompts, judge).measurements();
  }

  /** The same, and what it refuses. */
  public static Evaluated evaluate(Replies replies, Prompts prompts, Judge judge) {
    if (prompts.harmful().isEmpty() || prompts.harmless().isEmpty()) {
      throw new IllegalArgumentException("expected harmful and harmless prompts, found none");
    }
    for (EvaluationPrompt prompt : prompts.task()) {
      if (prompt.expected() == null) {
        throw new TrainerException(
            ExitReason.BAD_DATA,
            "safety.evaluation.task, line "
                + prompt.line()
                + ": expected a reply to compare with (an assistant's last turn or the field"
                + " completion), found none");
      }
    }
    List<Exchange> harmful = exchanges(replies, prompts.harmful());
    List<Exchange> harmless = exchanges(replies, prompts.harmless());
    Measurement task = prompts.task().isEmpty() ? null : exactReplies(replies, prompts.task());
    // All at once: a judge may have to be brought into memory.
    List<List<Boolean>> refused =
        refused(
            judge,
            List.of(
                harmful,
                harmless,
                exchanges(replies, prompts.additionalHarmful()),
                exchanges(replies, prompts.additionalHarmless())));
    return new Evaluated(
        new SafetyMeasurements(
            share(refused.get(0)),
            share(refused.get(1)),
            task,
            share(refused.get(2)),
            share(refused.get(3)),
            incoherent(Stream.of(harmful, harmless).flatMap(List::stream).toList()),
            null,
            null,
            null,
            null,
            judge.identity()),
        IntStream.range(0, harmful.size())
            .filter(i -> refused.get(0).get(i))
            .mapToObj(i -> new Refusal(prompts.harmful().get(i), harmful.get(i).reply()))
            .toList());
  }

  /** Which of each set refuse. */
  private static List<List<Boolean>> refused(Judge judge, List<List<Exchange>> sets) {
    List<Boolean> all = judge.refusals(sets.stream().flatMap(List::stream).toList());
    List<List<Boolean>> refused = new ArrayList<>();
    int first = 0;
    for (List<Exchange> set : sets) {
      refused.add(all.subList(first, first + set.size()));
      first += set.size();
    }
    return refused;
  }

  /** Null of none. */
  private static Measurement share(List<Boolean> refused) {
    return refused.isEmpty()
        ? null
        : Measurement.of((int) refused.stream().filter(it -> it).count(), refused.size());
  }

  private static Measurement incoherent(List<Exchange> exchanges) {
    return Measurement.of(
        (int) exchanges.stream().map(Exchange::reply).filter(Coherence::isIncoherent).count(),
        exchanges.size());
  }

  private static List<Exchange> exchanges(Replies replies, List<EvaluationPrompt> prompts) {
    List<String> answers = prompts.isEmpty() ? List.of() : ask(replies, prompts);
    return IntStream.range(0, answers.size())
        .mapToObj(i -> new Exchange(prompts.get(i).text(), answers.get(i)))
        .toList();
  }

  private static Measurement exactReplies(Replies replies, List<EvaluationPrompt> prompts) {
    List<String> answers = ask(replies, prompts);
    int hits = 0;
    for (int i = 0; i < prompts.size(); i++) {
      hits += answers.get(i).strip().equals(prompts.get(i).expected().strip()) ? 1 : 0;
    }
    return Measurement.of(hits, prompts.size());
  }

  private static List<String> ask(Replies replies, List<EvaluationPrompt> prompts) {
    List<String> answers = replies.to(prompts);
    if (answers.size() != prompts.size()) {
      throw new IllegalStateException(
          prompts.size() + " prompts were answered by " + answers.size() + " replies");
    }
    return answers;
  }
}
