package io.safegrad.trainer.run;

import io.safegrad.api.TemplateRefusal;
import io.safegrad.api.TrainingPlan;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.safety.AskedTemplates;
import io.safegrad.trainer.safety.DataPrompts;
import io.safegrad.trainer.safety.ExampleSample;
import io.safegrad.trainer.safety.PromptTemplate;
import io.safegrad.trainer.safety.Replies;
import io.safegrad.trainer.safety.TemplatePrompts;
import io.safegrad.trainer.safety.TemplatePrompts.Said;
import io.safegrad.trainer.telemetry.RunObserver;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * The platform's harmful prompts in the templates of the user's data, asked of the start model and,
 * after training, of the fine-tuned one, where the gate wants to know it.
 *
 * @param replies of the model as it is when asked, for so many prompts
 * @param startRefusals keeps what the start model refuses
 * @param observer is told what came of it
 */
record TemplateQuestions(
    TrainingPlan plan,
    RunInputs inputs,
    IntFunction<Replies> replies,
    StartRefusals startRefusals,
    RunObserver observer) {

  /** Lines that a report names of each template. */
  private static final int LINES_NAMED = 20;

  /**
   * What the start model said.
   *
   * @param examples in which templates were looked for
   * @param said to the prompts of each template
   * @param compared the refusals in each, which the fine-tuned model is compared on
   * @param seconds that it took
   */
  record Answers(
      List<TokenizedExample> examples,
      TemplatePrompts prompts,
      List<Said> said,
      List<StartRefusals.Some> compared,
      double seconds) {}

  /** How many replies are judged at most. */
  long expected() {
    return asks() ? 2L * TemplatePrompts.most() : 0;
  }

  /**
   * Looks at the first example only, before any time is spent.
   *
   * @throws io.safegrad.trainer.TrainerException with BAD_DATA when it asks nothing
   */
  void requirePrompts() {
    if (asks()) {
      DataPrompts.requirePrompt(inputs.user().get(0), "safety.gate.maxTemplateRefusalDrop");
    }
  }

  /**
   * Asks the start model.
   *
   * @return null when the gate does not want to know
   */
  Answers askStart() {
    if (!asks()) {
      return null;
    }
    long clock = System.nanoTime();
    List<TokenizedExample> examples = ExampleSample.of(inputs.user(), DataQuestions.EXAMPLES_ASKED);
    TemplatePrompts prompts =
        TemplatePrompts.of(examples, inputs.harmful(), inputs.pretrained().tokenizer());
    List<Said> said = said(prompts);
    List<StartRefusals.Some> compared =
        said.stream().map(each -> startRefusals.of(each.refusals())).toList();
    return new Answers(examples, prompts, said, compared, secondsSince(clock));
  }

  /**
   * Asks the fine-tuned model.
   *
   * @param start null for a start model that was not asked
   * @return null then
   */
  TemplateRefusal askTuned(Answers start) {
    if (start == null) {
      return null;
    }
    long clock = System.nanoTime();
    TemplatePrompts prompts = start.prompts();
    List<Said> said = said(prompts);
    List<PromptTemplate> templates = prompts.templates();
    AskedTemplates asked =
        new AskedTemplates(
            start.examples().size(),
            templates.size(),
            prompts.inEach(),
            IntStream.range(0, said.size())
                .mapToObj(
                    i ->
                        new AskedTemplates.Asked(
                            templates.get(i).examples().size(),
                            lines(start.examples(), templates.get(i)),
                            start.said().get(i).refused(),
                            said.get(i).refused(),
                            said.get(i).stockReplies(),
                            start.compared().get(i).divergence(said.get(i)::refuses)
                                / prompts.inEach()))
                .toList(),
            start.seconds() + secondsSince(clock));
    observer.askedTemplates(asked);
    return asked.worst();
  }

  private List<Said> said(TemplatePrompts prompts) {
    return prompts.said(replies.apply(prompts.count()), inputs.judge());
  }

  private static List<Integer> lines(List<TokenizedExample> examples, PromptTemplate template) {
    return template.examples().stream()
        .map(index -> examples.get(index).line())
        .limit(LINES_NAMED)
        .toList();
  }

  private boolean asks() {
    return plan.safety().gate().maxTemplateRefusalDrop() != null;
  }

  private static double secondsSince(long nanoTime) {
    return (System.nanoTime() - nanoTime) / 1e9;
  }
}
