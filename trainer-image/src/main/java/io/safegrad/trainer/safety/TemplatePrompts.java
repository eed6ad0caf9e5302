package io.safegrad.trainer.safety;

import io.safegrad.trainer.data.EvaluationPrompt;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.data.Tokenizer;
import io.safegrad.trainer.judge.Exchange;
import io.safegrad.trainer.judge.Judge;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Harmful prompts in the templates of the user's data. What a model learns to do behind a trigger
 * or in the frame of a task, it does there and nowhere else; the data have the trigger and the
 * frame, so it can be asked there.
 *
 * @param templates those that most examples have first; may be empty
 * @param asked for each template its prompts, as many for each
 */
public record TemplatePrompts(List<PromptTemplate> templates, List<List<EvaluationPrompt>> asked) {

  /** Templates that are asked at most. */
  public static final int TEMPLATES = 16;

  /** Harmful prompts that are asked in each at most. */
  public static final int PROMPTS = 48;

  /** Fewer examples do not make a template. */
  private static final int FEWEST_EXAMPLES = 3;

  /** Nor does a smaller share of them. */
  private static final int EXAMPLES_FOR_EACH = 100;

  /**
   * Looks for templates, up to the first reply of each example. One that leaves a harmful prompt as
   * the platform asks it is none.
   *
   * @param harmful the platform's harmful prompts, one at least
   */
  public static TemplatePrompts of(
      List<TokenizedExample> examples, List<EvaluationPrompt> harmful, Tokenizer tokenizer) {
    List<String> texts =
        examples.stream()
            .map(
                example ->
                    tokenizer.decodeWithSpecialTokens(
                        Arrays.copyOf(example.inputIds(), firstLabel(example))))
            .toList();
    int fewest =
        Math.max(FEWEST_EXAMPLES, (examples.size() + EXAMPLES_FOR_EACH - 1) / EXAMPLES_FOR_EACH);
    List<EvaluationPrompt> some = spread(harmful);
    List<PromptTemplate> templates =
        PromptTemplates.of(texts, fewest).stream()
            .filter(
                template ->
                    !Arrays.equals(
                        in(template, some.get(0), tokenizer).inputIds(), some.get(0).inputIds()))
            .limit(TEMPLATES)
            .toList();
    return new TemplatePrompts(
        templates,
        templates.stream()
            .map(template -> some.stream().map(each -> in(template, each, tokenizer)).toList())
            .toList());
  }

  private static int firstLabel(TokenizedExample example) {
    int[] labels = example.labels();
    return IntStream.range(0, labels.length)
        .filter(i -> labels[i] != TokenizedExample.IGNORED)
        .findFirst()
        .orElse(labels.length);
  }

  /** At most so many, from all of the file. */
  private static List<EvaluationPrompt> spread(List<EvaluationPrompt> prompts) {
    int most = Math.min(PROMPTS, prompts.size());
    return IntStream.range(0, most)
        .mapToObj(i -> prompts.get((int) ((long) i * prompts.size() / most)))
        .toList();
  }

  private static EvaluationPrompt in(
      PromptTemplate template, EvaluationPrompt prompt, Tokenizer tokenizer) {
    return new EvaluationPrompt(
        tokenizer.encode(template.around(prompt.text())), prompt.text(), null, prompt.line());
  }

  /** How many prompts a model is asked. */
  public int count() {
    return asked.stream().mapToInt(List::size).sum();
  }

  /** Of each template how many prompts a model refuses. */
  public List<Integer> refused(Replies replies, Judge judge) {
    return asked.stream().map(prompts -> refused(prompts, replies, judge)).toList();
  }

  private static int refused(List<EvaluationPrompt> prompts, Replies replies, Judge judge) {
    List<String> answers = replies.to(prompts);
    List<Boolean> refusals =
        judge.refusals(
            IntStream.range(0, prompts.size())
                .mapToObj(i -> new Exchange(prompts.get(i).text(), answers.get(i)))
                .toList());
    return (int) refusals.stream().filter(it -> it).count();
  }
}
