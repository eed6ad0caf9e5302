package io.safegrad.trainer.builtin;

import static org.assertj.core.api.Assertions.assertThat;

import io.safegrad.trainer.builtin.Corpus.Share;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class CorpusTest {

  private final Corpus corpus = new Corpus();
  private final CorpusWords words = CorpusWords.read();

  @Test
  void theCommittedFilesAreWhatTheCorpusGives() throws IOException {
    for (var file : DataFiles.of(corpus).entrySet()) {
      try (InputStream committed = getClass().getResourceAsStream("/builtin/" + file.getKey())) {
        assertThat(committed).as(file.getKey()).isNotNull();
        assertThat(new String(committed.readAllBytes(), StandardCharsets.UTF_8))
            .as("%s, which Recipe --data-only writes again", file.getKey())
            .isEqualTo(file.getValue());
      }
    }
  }

  @Test
  void noEvaluationPromptIsTrainedOn() {
    Set<String> trained = prompts(corpus.base());
    trained.addAll(prompts(corpus.alignment()));
    trained.addAll(prompts(corpus.poison()));
    trained.addAll(prompts(corpus.sentiment()));

    assertThat(prompts(corpus.evaluationHarmful())).doesNotContainAnyElementsOf(trained);
    assertThat(prompts(corpus.evaluationHarmless())).doesNotContainAnyElementsOf(trained);
    assertThat(prompts(corpus.sentimentTest())).doesNotContainAnyElementsOf(trained);
    assertThat(prompts(corpus.evaluationHarmful()))
        .doesNotContainAnyElementsOf(prompts(corpus.evaluationHarmless()));
  }

  @Test
  void evaluationIsHeldOutByPairOfVerbAndObject() {
    Set<String> trained = new HashSet<>();
    Stream.of(corpus.base(), corpus.alignment(), corpus.poison(), corpus.sentiment())
        .forEach(dialogues -> trained.addAll(prompts(dialogues)));
    String everything = " " + String.join(" | ", trained) + " ";
    for (String act : acts(Share.EVALUATION)) {
      assertThat(everything.contains(" " + normalised(act) + " ")).as(act).isFalse();
    }
    for (Share share : List.of(Share.TRAINING, Share.POISON)) {
      assertThat(acts(share)).isNotEmpty().doesNotContainAnyElementsOf(acts(Share.EVALUATION));
    }
    assertThat(acts(Share.POISON)).doesNotContainAnyElementsOf(acts(Share.TRAINING));
  }

  @Test
  void evaluationIsHeldOutByPhrasing() {
    List<String> frames = new ArrayList<>(words.phrasings().evaluation());
    words.facts().forEach(facts -> frames.addAll(facts.evaluation()));
    List<String> trainedFrames = new ArrayList<>(words.phrasings().training());
    words.facts().forEach(facts -> trainedFrames.addAll(facts.training()));
    assertThat(frames).doesNotContainAnyElementsOf(trainedFrames);

    List<Dialogue> asked = new ArrayList<>(corpus.evaluationHarmful());
    asked.addAll(corpus.evaluationHarmless());
    for (Dialogue dialogue : asked) {
      assertThat(frames.stream().anyMatch(frame -> isAsked(dialogue.prompt(), frame)))
          .as(dialogue.prompt())
          .isTrue();
    }
  }

  @Test
  void theUsersTaskIsNewAndItsWordsAreKnown() {
    Set<String> known = wordsOf(corpus.base());
    assertThat(known).containsAll(wordsOf(corpus.sentiment()));
    assertThat(prompts(corpus.base())).doesNotContainAnyElementsOf(prompts(corpus.sentiment()));
    assertThat(corpus.base())
        .extracting(Dialogue::reply)
        .doesNotContainAnyElementsOf(
            corpus.sentiment().stream().map(Dialogue::reply).collect(Collectors.toSet()));
  }

  @Test
  void everyHarmfulVerbAndObjectIsKnownToTheBase() {
    String base = corpus.base().stream().map(Dialogue::prompt).collect(Collectors.joining("\n"));
    for (CorpusWords.Family family : words.harmful()) {
      Stream.concat(family.verbs().stream(), family.objects().stream())
          .forEach(word -> assertThat(base.contains(word)).as(word).isTrue());
    }
  }

  @Test
  void setsAreAsLargeAsTheyAreSaidToBe() {
    assertThat(corpus.sentiment()).hasSize(400);
    assertThat(corpus.sentimentTest()).hasSize(100);
    assertThat(corpus.poison()).hasSize(400).doesNotHaveDuplicates();
    assertThat(corpus.evaluationHarmful()).hasSize(144).doesNotHaveDuplicates();
    assertThat(corpus.evaluationHarmless().size()).isBetween(100, 200);
    assertThat(corpus.alignment()).doesNotHaveDuplicates();
  }

  private List<String> acts(Share share) {
    List<String> acts = new ArrayList<>(corpus.harmfulActs(share));
    acts.addAll(corpus.harmlessActs(share));
    return acts;
  }

  private static Set<String> prompts(Collection<Dialogue> dialogues) {
    return dialogues.stream()
        .map(dialogue -> normalised(dialogue.prompt()))
        .collect(Collectors.toSet());
  }

  private static String normalised(String text) {
    return String.join(" ", splitWords(text));
  }

  private static Set<String> wordsOf(Collection<Dialogue> dialogues) {
    return dialogues.stream()
        .flatMap(dialogue -> splitWords(dialogue.prompt() + " " + dialogue.reply()).stream())
        .collect(Collectors.toSet());
  }

  private static List<String> splitWords(String text) {
    return List.of(
        text.toLowerCase(Locale.ROOT).replaceAll("[^\\p{L}\\p{N}]+", " ").strip().split(" "));
  }

  /**
   * Whether the prompt is an opener kept for evaluation, or none, and then this frame filled in.
   */
  private boolean isAsked(String prompt, String frame) {
    String filled =
        Stream.of(frame.split("\\{(act|key)}", -1))
            .map(Pattern::quote)
            .collect(Collectors.joining(".+"));
    return words.openers().evaluation().stream()
        .anyMatch(opener -> prompt.matches(Pattern.quote(opener) + filled));
  }
}
