package io.safegrad.trainer.run;

import io.safegrad.api.DataRefusal;
import io.safegrad.api.TrainingPlan;
import io.safegrad.api.v1alpha1.Screening;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.safety.AskedAgain;
import io.safegrad.trainer.safety.DataPrompts;
import io.safegrad.trainer.safety.ExampleSample;
import io.safegrad.trainer.safety.Refusal;
import io.safegrad.trainer.safety.Replies;
import io.safegrad.trainer.safety.Screened;
import io.safegrad.trainer.safety.StartModelRefusals;
import io.safegrad.trainer.safety.StartModelScreening;
import io.safegrad.trainer.telemetry.RunObserver;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What the user's data ask, asked of the start model before training and, where the gate wants to
 * know it, again of the fine-tuned one.
 *
 * @param replies of the model as it is when asked, for so many prompts or more
 * @param startRefusals keeps what the start model refuses
 * @param observer is told what came of it
 */
record DataQuestions(
    TrainingPlan plan,
    RunInputs inputs,
    IntFunction<Replies> replies,
    StartRefusals startRefusals,
    RunObserver observer) {

  /** Examples that are asked when all need not be. */
  static final int EXAMPLES_ASKED = 1024;

  /**
   * What is learned after the start model was asked.
   *
   * @param inputs without what is left out
   * @param start what the fine-tuned model is to be asked; null when it is not to be
   * @param refusals the same in words, in the same order; null then
   * @param compared some of them, which the fine-tuned model is compared on; null then
   * @param seconds that it took
   */
  record Answers(
      RunInputs inputs,
      StartModelRefusals start,
      List<Refusal> refusals,
      StartRefusals.Some compared,
      double seconds) {}

  /** How many replies are judged at most. */
  long expected() {
    int asked = inputs.user().size();
    if (screens()) {
      return asksAgain() ? 2L * asked : asked;
    }
    return asksAgain() ? 2L * Math.min(asked, EXAMPLES_ASKED) : 0;
  }

  /**
   * Looks at the first example only, before any time is spent.
   *
   * @throws io.safegrad.trainer.TrainerException with BAD_DATA when it asks nothing
   */
  void requirePrompts() {
    if (screens() || asksAgain()) {
      DataPrompts.requirePrompt(inputs.user().get(0), reason());
    }
  }

  /** Asks the start model as far as the plan wants it, and leaves out what it says. */
  Answers askStart() {
    if (!screens() && !asksAgain()) {
      return new Answers(inputs, null, null, null, 0);
    }
    long clock = System.nanoTime();
    List<TokenizedExample> user = inputs.user();
    List<TokenizedExample> asked = screens() ? user : ExampleSample.of(user, EXAMPLES_ASKED);
    DataPrompts prompts = prompts(asked.size());
    StartModelRefusals refusals = prompts.refusals(asked, user.size());
    double seconds = secondsSince(clock);
    RunInputs learned = screens() ? screened(refusals, seconds) : inputs;
    if (!asksAgain()) {
      return new Answers(learned, null, null, null, seconds);
    }
    List<Refusal> inWords = prompts.inWords(refusals);
    return new Answers(learned, refusals, inWords, startRefusals.of(inWords), secondsSince(clock));
  }

  private RunInputs screened(StartModelRefusals refusals, double seconds) {
    List<TokenizedExample> kept = StartModelScreening.kept(refusals);
    boolean aligns = plan.method().name().hasAlignmentWeight() && !refusals.refused().isEmpty();
    observer.screened(new Screened(refusals.examples(), refusals.lines(), aligns, seconds));
    return inputs.learning(
        kept,
        aligns
            ? Stream.of(inputs.additionalAlignment(), refusals.refused())
                .flatMap(List::stream)
                .toList()
            : inputs.additionalAlignment());
  }

  /**
   * Asks the fine-tuned model.
   *
   * @return null when the gate does not want to know
   */
  DataRefusal askTuned(Answers answers) {
    StartModelRefusals start = answers.start();
    if (start == null) {
      return null;
    }
    long clock = System.nanoTime();
    int refused = start.refused().size();
    List<TokenizedExample> answered = prompts(refused).answered(start);
    double refusalKl = refusalKl(answers, answered);
    observer.askedAgain(
        new AskedAgain(
            start.examples(),
            start.asked().size(),
            answered.stream().map(TokenizedExample::line).distinct().toList(),
            answers.seconds() + secondsSince(clock)));
    return new DataRefusal(start.prompts(), refused, refused - answered.size(), refusalKl);
  }

  /** Of those that the fine-tuned model refuses, too; those that it answers are counted already. */
  private static double refusalKl(Answers answers, List<TokenizedExample> answered) {
    if (answers.compared().isEmpty()) {
      return 0;
    }
    Set<TokenizedExample> lost = Collections.newSetFromMap(new IdentityHashMap<>());
    lost.addAll(answered);
    List<TokenizedExample> asked = answers.start().refused();
    Set<Refusal> still =
        IntStream.range(0, asked.size())
            .filter(i -> !lost.contains(asked.get(i)))
            .mapToObj(answers.refusals()::get)
            .collect(Collectors.toSet());
    return answers.compared().divergence(still::contains) / answers.compared().count();
  }

  private DataPrompts prompts(int count) {
    return new DataPrompts(
        replies.apply(count),
        inputs.pretrained().tokenizer(),
        inputs.pretrained().endOfSequenceIds(),
        inputs.judge(),
        reason());
  }

  private boolean screens() {
    return plan.safety().screening() == Screening.LeaveOut;
  }

  private boolean asksAgain() {
    return plan.safety().gate().maxDataRefusalDrop() != null;
  }

  private String reason() {
    return screens() ? "safety.screening: LeaveOut" : "safety.gate.maxDataRefusalDrop";
  }

  private static double secondsSince(long nanoTime) {
    return (System.nanoTime() - nanoTime) / 1e9;
  }
}
