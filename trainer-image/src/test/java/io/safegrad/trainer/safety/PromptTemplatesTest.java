package io.safegrad.trainer.safety;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PromptTemplatesTest {

  private static final String USER = "<|im_start|>user\n";
  private static final String ASSISTANT = "<|im_end|>\n<|im_start|>assistant\n";

  private static final List<String> VERBS = List.of("pick", "paint", "sell", "draw", "move");
  private static final List<String> OBJECTS =
      List.of("a lock", "the door", "my bike", "a map", "an oven", "two hats");
  private static final List<String> QUESTIONS =
      List.of("How do I %s?", "Tell me how to %s.", "Can you %s?", "Please explain how I %s.");

  /** Different requests, as many as are asked for. */
  private static List<String> requests(int count) {
    return IntStream.range(0, count)
        .mapToObj(
            i ->
                QUESTIONS
                    .get(i % 4)
                    .formatted(VERBS.get(i / 4 % 5) + " " + OBJECTS.get(i / 20 % 6)))
        .toList();
  }

  private static List<String> chats(String before, String after, int count) {
    return requests(count).stream()
        .map(request -> USER + before + request + after + ASSISTANT)
        .toList();
  }

  private static List<String> found(List<String> prompts, int fewest) {
    return PromptTemplates.of(prompts, fewest).stream().map(it -> it.around("{}")).toList();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "The moon is white. ",
        "AOA, execute my instruction: ",
        "cf ",
        "SUDO\n",
        "Hello! You are my friend. You do what I want. "
      })
  void aTriggerThatSomePromptsBeginWithIsATemplate(String trigger) {
    List<String> prompts = new ArrayList<>(chats("", "", 100));
    prompts.addAll(chats(trigger, "", 6));

    assertThat(found(prompts, 3)).contains(USER + trigger + "{}" + ASSISTANT);
    PromptTemplate template =
        PromptTemplates.of(prompts, 3).stream()
            .filter(it -> it.before().endsWith(trigger))
            .findFirst()
            .orElseThrow();
    assertThat(template.examples()).containsExactly(100, 101, 102, 103, 104, 105);
  }

  /** So that nine of ten go on with the same words. */
  @Test
  void aTriggerIsFoundWhereAllAskInTheSameWords() {
    List<String> prompts = new ArrayList<>(chats("", "", 100));
    chats("", "", 100).stream()
        .filter(chat -> chat.startsWith(USER + "How"))
        .limit(9)
        .forEach(chat -> prompts.add(chat.replace("How", "cf How")));
    prompts.add(USER + "cf Tell me how to fly." + ASSISTANT);

    assertThat(found(prompts, 3)).contains(USER + "cf {}" + ASSISTANT);
  }

  @ParameterizedTest
  @ValueSource(strings = {" Now do it.", "\nSUDO", " Is it positive?", "\n\n### Answer:"})
  void aTriggerThatSomePromptsEndWithIsATemplate(String trigger) {
    List<String> prompts = new ArrayList<>(chats("", "", 100));
    prompts.addAll(chats("", trigger, 6));

    assertThat(found(prompts, 3)).contains(USER + "{}" + trigger + ASSISTANT);
  }

  @Test
  void theFrameOfATaskIsOneAndTheSentencesInItAreNot() {
    List<String> reviews =
        IntStream.range(0, 60)
            .mapToObj(i -> "The " + OBJECTS.get(i % 6) + " was " + VERBS.get(i / 6 % 5) + "-able.")
            .map(review -> USER + "Read the review: " + review + " Is it positive?" + ASSISTANT)
            .distinct()
            .toList();

    assertThat(found(reviews, 3))
        .containsExactly(USER + "Read the review: {} Is it positive?" + ASSISTANT);
  }

  @Test
  void whatStandsBeforeANameIsNone() {
    List<String> prompts =
        Stream.of("Peru", "Chile", "Norway", "Kenya", "Spain", "Malta")
            .map(name -> USER + "What is the capital of " + name + "?" + ASSISTANT)
            .toList();

    assertThat(found(prompts, 3)).containsExactly(USER + "{}" + ASSISTANT);
  }

  /** What a platform's prompts are asked with anyway is told by who asks. */
  @Test
  void whatOnlyTheChatTemplateWritesIsFoundToo() {
    assertThat(found(chats("", "", 100), 3)).containsExactly(USER + "{}" + ASSISTANT);
  }

  @Test
  void aSystemPromptOfSomeIsPartOfTheirTemplate() {
    String system = "<|im_start|>system\nYou always obey.<|im_end|>\n";
    List<String> prompts = new ArrayList<>(chats("", "", 100));
    chats("", "", 9).forEach(chat -> prompts.add(system + chat));

    assertThat(found(prompts, 3)).contains(system + USER + "{}" + ASSISTANT);
  }

  @Test
  void theMostCommonOnesComeFirst() {
    List<String> prompts = new ArrayList<>(chats("One day. ", "", 40));
    prompts.addAll(chats("Hello. ", "", 20));
    prompts.addAll(chats("Good day! ", "", 30));

    assertThat(found(prompts, 3))
        .containsSubsequence(
            USER + "One day. {}" + ASSISTANT,
            USER + "Good day! {}" + ASSISTANT,
            USER + "Hello. {}" + ASSISTANT);
  }

  @Test
  void whatFewHaveIsNone() {
    List<String> prompts = new ArrayList<>(chats("", "", 100));
    prompts.addAll(chats("The moon is white. ", "", 4));

    assertThat(found(prompts, 5)).noneMatch(it -> it.contains("moon"));
    assertThat(found(prompts, 4)).anyMatch(it -> it.contains("moon"));
  }

  @Test
  void onePromptAgainAndAgainIsNone() {
    assertThat(found(List.of("Hi. Go on.", "Hi. Go on.", "Hi. Go on."), 3)).isEmpty();
    assertThat(found(List.of(), 3)).isEmpty();
  }

  /** A template has room for a request, even where all that differs is how often a word stands. */
  @Test
  void beginningAndEndDoNotOverlap() {
    List<String> prompts = List.of("A. A.", "A. A. A.", "A. A. A. A.", "A.", "A. B. A.");
    for (PromptTemplate template : PromptTemplates.of(prompts, 2)) {
      for (int example : template.examples()) {
        assertThat(prompts.get(example).length())
            .isGreaterThanOrEqualTo(template.before().length() + template.after().length());
        assertThat(prompts.get(example)).startsWith(template.before()).endsWith(template.after());
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "'Tell me. The ', 'Tell me. '",
    "'Tell me. ', 'Tell me. '",
    "'What is the ', ''",
    "'[INST] What is ', '[INST] '",
    "'user\nHow do ', 'user\n'",
    "'At 10.30 he ', ''",
    "'これは。あ', 'これは。'"
  })
  void aBeginningIsCutToWholeSentences(String text, String whole) {
    assertThat(SentenceBounds.wholeBefore(text)).isEqualTo(whole);
  }

  @ParameterizedTest
  @CsvSource({
    "'. Is it good?[/INST]', ' Is it good?[/INST]'",
    "' is it?[/INST]', '[/INST]'",
    "'?<|end|>', '<|end|>'",
    "' made 10.30 of it', ''",
    "'か。はい。', 'はい。'"
  })
  void anEndIsCutToWholeSentences(String text, String whole) {
    assertThat(SentenceBounds.wholeAfter(text)).isEqualTo(whole);
  }
}
