package io.safegrad.trainer.safety;

import io.safegrad.trainer.data.EvaluationPrompt;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.data.Tokenizer;
import io.safegrad.trainer.judge.Exchange;
import io.safegrad.trainer.judge.Judge;
import java.nio.IntBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Harmful prompts in the templates of the user's data. What a model learns to do behind a trigger
 * or in the frame of a task, it does there and nowhere else; the data have the trigger and the
 * frame, so it can be asked there.
 *
 * @param templates those that most examples have first; may be empty
 * @param asked for each template its prompts, as many for each; empty where there are more than
 *     {@value #TEMPLATES} templates, since to ask some would tell where to hide
 * @param stockReplies what as many examples have as their reply as make a template, white space
 *     around it stripped: the answers of a task that has few
 */
public record TemplatePrompts(
    List<PromptTemplate> templates, List<List<EvaluationPrompt>> asked, Set<String> stockReplies) {

  /**
   * What a model says to the prompts of one template.
   *
   * @param refusals those that it refuses
   * @param stockReplies how many others it answers with one of the data's stock replies
   */
  public record Said(List<Refusal> refusals, int stockReplies) {

    /** How many it refuses. */
    public int refused() {
      return refusals.size();
    }

    /** Whether it refuses what another model refuses. */
    public boolean refuses(Refusal other) {
      return refusals.stream().anyMatch(own -> own.prompt() == other.prompt());
    }
  }

  /** Templates that are asked at most. */
  public static final int TEMPLATES = 100;

  /** Prompts that are asked in all templates together, unless each would get too few. */
  private static final int PROMPTS = 768;

  /** Prompts that are asked in each. */
  private static final int MOST_IN_EACH = 48;

  private static final int FEWEST_IN_EACH = 12;

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
                        Arrays.copyOf(example.inputIds(), example.promptLength())))
            .toList();
    int fewest =
        Math.max(FEWEST_EXAMPLES, (examples.size() + EXAMPLES_FOR_EACH - 1) / EXAMPLES_FOR_EACH);
    EvaluationPrompt any = harmful.get(0);
    List<PromptTemplate> templates =
        PromptTemplates.of(texts, fewest).stream()
            .filter(
                template -> !Arrays.equals(in(template, any, tokenizer).inputIds(), any.inputIds()))
            .filter(template -> !isQuestion(template, examples, texts, fewest))
            .toList();
    if (templates.isEmpty() || templates.size() > TEMPLATES) {
      return new TemplatePrompts(templates, List.of(), Set.of());
    }
    List<EvaluationPrompt> some = Spread.of(harmful, inEach(templates.size()));
    return new TemplatePrompts(
        templates,
        templates.stream()
            .map(template -> some.stream().map(each -> in(template, each, tokenizer)).toList())
            .toList(),
        stockReplies(examples, fewest, tokenizer));
  }

  private static Set<String> stockReplies(
      List<TokenizedExample> examples, int fewest, Tokenizer tokenizer) {
    return examples.stream()
        .map(example -> tokenizer.decode(reply(example)).strip())
        .collect(Collectors.groupingBy(Function.identity(), Collectors.counting()))
        .entrySet()
        .stream()
        .filter(reply -> reply.getValue() >= fewest)
        .map(Map.Entry::getKey)
        .collect(Collectors.toUnmodifiableSet());
  }

  /**
   * Whether a template is a question of its own, which some ask after a greeting and others after
   * another: all its examples have one reply, and what stands in the template stands in other
   * prompts, too.
   */
  private static boolean isQuestion(
      PromptTemplate template, List<TokenizedExample> examples, List<String> texts, int fewest) {
    Set<Integer> own = Set.copyOf(template.examples());
    long replies =
        own.stream().map(index -> IntBuffer.wrap(reply(examples.get(index)))).distinct().count();
    return replies == 1
        && own.stream()
            .map(texts::get)
            .allMatch(
                text -> {
                  String beginning = text.substring(0, text.length() - template.after().length());
                  String end = text.substring(template.before().length());
                  return IntStream.range(0, texts.size())
                          .filter(i -> !own.contains(i))
                          .mapToObj(texts::get)
                          .filter(other -> other.startsWith(beginning) || other.endsWith(end))
                          .limit(fewest)
                          .count()
                      == fewest;
                });
  }

  private static int[] reply(TokenizedExample example) {
    return Arrays.stream(example.labels())
        .filter(label -> label != TokenizedExample.IGNORED)
        .toArray();
  }

  private static int inEach(int templates) {
    return Math.max(FEWEST_IN_EACH, Math.min(MOST_IN_EACH, PROMPTS / templates));
  }

  /** How many prompts are asked at most, whatever the data. */
  public static int most() {
    return Math.max(PROMPTS, TEMPLATES * FEWEST_IN_EACH);
  }

  private static EvaluationPrompt in(
      PromptTemplate template, EvaluationPrompt prompt, Tokenizer tokenizer) {
    return new EvaluationPrompt(
        tokenizer.encode(template.around(prompt.text())), prompt.text(), null, prompt.line());
  }

  /** How many prompts a model is asked. */
  public int count() {
    return asked.size() * inEach();
  }

  /** How many of these in each template; 0 for none. */
  public int inEach() {
    return asked.isEmpty() ? 0 : asked.get(0).size();
  }

  /** What a model says in each template. */
  public List<Said> said(Replies replies, Judge judge) {
    return asked.stream().map(prompts -> said(prompts, replies, judge)).toList();
  }

  private Said said(List<EvaluationPrompt> prompts, Replies replies, Judge judge) {
    List<String> answers = replies.to(prompts);
    List<Boolean> refuses =
        judge.refusals(
            IntStream.range(0, prompts.size())
                .mapToObj(i -> new Exchange(prompts.get(i).text(), answers.get(i)))
                .toList());
    List<Refusal> refusals =
        IntStream.range(0, prompts.size())
            .filter(refuses::get)
            .mapToObj(i -> new Refusal(prompts.get(i), answers.get(i)))
            .toList();
    int stock =
        (int)
            IntStream.range(0, prompts.size())
                .filter(i -> !refuses.get(i) && stockReplies.contains(answers.get(i).strip()))
                .count();
    return new Said(refusals, stock);
  }
}
