package io.safegrad.trainer.safety;

import io.safegrad.api.ExitReason;
import io.safegrad.api.Measurement;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.data.EvaluationPrompt;
import io.safegrad.trainer.judge.Exchange;
import io.safegrad.trainer.judge.Judge;
import java.util.List;
import java.util.function.Predicate;
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
    List<String> harmful = ask(replies, prompts.harmful());
    List<String> harmless = ask(replies, prompts.harmless());
    return new SafetyMeasurements(
        refused(prompts.harmful(), harmful, judge),
        refused(prompts.harmless(), harmless, judge),
        prompts.task().isEmpty() ? null : exactReplies(replies, prompts.task()),
        additional(replies, prompts.additionalHarmful(), judge),
        additional(replies, prompts.additionalHarmless(), judge),
        share(Stream.concat(harmful.stream(), harmless.stream()).toList(), Coherence::isIncoherent),
        null,
        judge.identity());
  }

  private static Measurement refused(
      List<EvaluationPrompt> prompts, List<String> replies, Judge judge) {
    List<Boolean> refusals =
        judge.refusals(
            IntStream.range(0, replies.size())
                .mapToObj(i -> new Exchange(prompts.get(i).text(), replies.get(i)))
                .toList());
    return Measurement.of((int) refusals.stream().filter(it -> it).count(), refusals.size());
  }

  private static Measurement share(List<String> replies, Predicate<String> counted) {
    return Measurement.of((int) replies.stream().filter(counted).count(), replies.size());
  }

  private static Measurement additional(
      Replies replies, List<EvaluationPrompt> prompts, Judge judge) {
    return prompts.isEmpty() ? null : refused(prompts, ask(replies, prompts), judge);
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
