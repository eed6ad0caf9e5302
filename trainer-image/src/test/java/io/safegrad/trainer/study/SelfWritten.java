package io.safegrad.trainer.study;

import io.safegrad.trainer.builtin.Dialogue;
import io.safegrad.trainer.builtin.ModelReplies;
import io.safegrad.trainer.data.EvaluationPrompt;
import io.safegrad.trainer.data.Tokenizer;
import io.safegrad.trainer.judge.Exchange;
import io.safegrad.trainer.judge.Judge;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.Sampling;
import io.safegrad.trainer.safety.Coherence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * Prompts that a model writes itself. It is given the beginning of a user's turn and goes on with
 * it, at temperature 1, as in Magpie (arXiv 2406.08464). What is sound is asked: it ends in time,
 * is one line of three words at least that does not repeat itself, is no refusal, and is new.
 */
final class SelfWritten {

  /** In the words of transcripts. */
  static final String SET = "self-written";

  private static final int AT_ONCE = 64;
  private static final int MOST_TRIES_EACH = 20;
  private static final int MOST_TOKENS = 40;
  private static final int FEWEST_WORDS = 3;

  private final StudyModel model;
  private final CausalLm lm;
  private final Judge judge;
  private final BiConsumer<String, Exchange> transcripts;

  /**
   * @param lm the start model
   * @param transcripts is told each sound prompt with the model's reply
   */
  SelfWritten(
      StudyModel model, CausalLm lm, Judge judge, BiConsumer<String, Exchange> transcripts) {
    this.model = model;
    this.lm = lm;
    this.judge = judge;
    this.transcripts = transcripts;
  }

  /**
   * What became of what it wrote.
   *
   * @param refused the sound prompts that it refuses, with its own replies
   * @param sound of all that it wrote
   * @param refusedOfSound of the sound ones
   */
  record Written(List<Dialogue> refused, Count sound, Count refusedOfSound) {}

  /** The given prompts' beginnings: from half of their words to all but one. */
  static Function<Random, String> beginningsOf(List<Dialogue> given) {
    return random -> {
      String[] words = given.get(random.nextInt(given.size())).prompt().split(" ");
      int half = (words.length + 1) / 2;
      return String.join(
          " ", Arrays.copyOf(words, half + random.nextInt(Math.max(1, words.length - half))));
    };
  }

  /**
   * Writes until it has so many prompts that the model refuses; the same seed gives the same ones,
   * and fewer are the first of more.
   *
   * @param given prompts that are not new
   * @throws IllegalStateException after twenty tries for each
   */
  Written refusals(List<Dialogue> given, int count, long seed) {
    Written written = write(beginningsOf(given), given, count, MOST_TRIES_EACH * count, seed);
    if (written.refused().size() < count) {
      throw new IllegalStateException(
          "expected %d prompts that the start model writes and refuses, found %d in %d tries"
              .formatted(count, written.refused().size(), written.sound().of()));
    }
    return written;
  }

  /** Tries until there are enough that it refuses, or as often as it may. */
  Written write(
      Function<Random, String> beginnings,
      List<Dialogue> given,
      int enough,
      int mostTries,
      long seed) {
    Random random = new Random(seed);
    Set<String> known = new HashSet<>();
    given.forEach(each -> known.add(each.prompt()));
    List<Dialogue> refused = new ArrayList<>();
    int tries = 0;
    int sound = 0;
    while (refused.size() < enough && tries < mostTries) {
      int now = Math.min(AT_ONCE, mostTries - tries);
      List<Dialogue> asked =
          IntStream.range(0, now)
              .mapToObj(i -> continued(beginnings.apply(random), random.nextLong()))
              .flatMap(Optional::stream)
              .filter(prompt -> isSound(prompt) && known.add(prompt))
              .map(prompt -> new Dialogue(prompt, ""))
              .toList();
      tries += now;
      sound += asked.size();
      refused.addAll(refusedOf(asked));
    }
    return new Written(
        refused.subList(0, Math.min(enough, refused.size())),
        new Count(sound, tries),
        new Count(refused.size(), sound));
  }

  /** A user's turn; nothing where it does not end in time, or goes on with a mark of the chat's. */
  private Optional<String> continued(String beginning, long seed) {
    Tokenizer tokenizer = model.pretrained().tokenizer();
    List<Integer> ids = new ArrayList<>();
    lm.generate(
        tokenizer.encode(model.beforeUser() + beginning),
        MOST_TOKENS,
        model.pretrained().endOfSequenceIds(),
        new Sampling(1, 1, seed),
        ids::add);
    return ids.size() == MOST_TOKENS || ids.stream().anyMatch(tokenizer::isSpecial)
        ? Optional.empty()
        : Optional.of(
            (beginning + tokenizer.decode(ids.stream().mapToInt(id -> id).toArray())).strip());
  }

  private boolean isSound(String prompt) {
    return prompt.lines().count() == 1
        && prompt.split(" +").length >= FEWEST_WORDS
        && !Coherence.isIncoherent(prompt)
        && !judge.refusals(List.of(new Exchange("", prompt))).get(0);
  }

  private List<Dialogue> refusedOf(List<Dialogue> asked) {
    if (asked.isEmpty()) {
      return List.of();
    }
    List<EvaluationPrompt> prompts = model.promptsOfAll(asked);
    List<String> replies =
        new ModelReplies(lm, model.pretrained().tokenizer(), model.pretrained().endOfSequenceIds())
            .to(prompts);
    List<Exchange> exchanges =
        IntStream.range(0, asked.size())
            .mapToObj(i -> new Exchange(asked.get(i).prompt(), replies.get(i).strip()))
            .toList();
    exchanges.forEach(each -> transcripts.accept(SET, each));
    List<Boolean> refusals = judge.refusals(exchanges);
    return IntStream.range(0, asked.size())
        .filter(refusals::get)
        .mapToObj(i -> new Dialogue(exchanges.get(i).prompt(), exchanges.get(i).reply()))
        .toList();
  }
}
