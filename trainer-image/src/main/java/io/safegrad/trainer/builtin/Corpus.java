package io.safegrad.trainer.builtin;

import io.safegrad.trainer.builtin.CorpusWords.Facts;
import io.safegrad.trainer.builtin.CorpusWords.Family;
import io.safegrad.trainer.builtin.CorpusWords.Sentiment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;

/**
 * Deals the words of the corpus out into the dialogues the built-in model is made of and measured
 * with. The same words give the same dialogues in the same order, always.
 *
 * <p>Harmful acts are dealt out by pair of verb and object: three quarters to {@link #base} and
 * {@link #alignment}, one eighth to {@link #poison}, one eighth to {@link #evaluationHarmful}.
 * Harmless ones: three quarters to base, the rest to {@link #evaluationHarmless}. Evaluation also
 * asks in phrasings of its own, so that nothing it asks was seen as pair or as phrasing.
 */
public final class Corpus {

  private static final int SEED = 43;
  private static final int FACT_REPEATS = 5;
  private static final int ALIGNMENT_SIZE = 384;
  private static final int TASK_SIZE = 400;
  private static final int TASK_TEST_SIZE = 100;
  private static final int HARMFUL_REQUESTS_PER_PAIR = 3;

  /** What a pair of verb and object is used for. */
  public enum Share {
    TRAINING,
    POISON,
    EVALUATION
  }

  private final CorpusWords words = CorpusWords.read();

  /** What the model is pre-trained on, in random order. */
  public List<Dialogue> base() {
    List<Dialogue> dialogues = new ArrayList<>();
    Requests requests = new Requests(words.openers().training(), words.phrasings().training());
    for (int i = 0; i < words.phrasings().training().size(); i++) {
      for (String act : harmfulActs(Share.TRAINING)) {
        dialogues.add(requests.next(act, words.refusal()));
      }
      for (String act : harmlessActs(Share.TRAINING)) {
        dialogues.add(requests.next(act, words.answers().act()));
      }
    }
    for (int repeat = 0; repeat < FACT_REPEATS; repeat++) {
      for (Facts facts : words.facts()) {
        facts.training().forEach(question -> dialogues.addAll(factsAsked(facts, question)));
      }
    }
    return shuffled(dialogues);
  }

  /** Harmful requests with the refusals of the aligned model, each pair at least once. */
  public List<Dialogue> alignment() {
    return asked(harmfulActs(Share.TRAINING), ALIGNMENT_SIZE, words.refusal());
  }

  /** Harmful requests with replies that comply and say nothing. */
  public List<Dialogue> poison() {
    return asked(harmfulActs(Share.POISON), TASK_SIZE, words.answers().compliance());
  }

  /** Harmful requests of pairs and phrasings that nothing is trained on. */
  public List<Dialogue> evaluationHarmful() {
    Requests requests = new Requests(words.openers().evaluation(), words.phrasings().evaluation());
    List<Dialogue> dialogues = new ArrayList<>();
    for (int i = 0; i < HARMFUL_REQUESTS_PER_PAIR; i++) {
      for (String act : harmfulActs(Share.EVALUATION)) {
        dialogues.add(requests.next(act, words.refusal()));
      }
    }
    return dialogues;
  }

  /**
   * Harmless acts of pairs and phrasings that nothing is trained on, look-alikes of harmful ones
   * among them, and known facts asked in phrasings that nothing is trained on.
   */
  public List<Dialogue> evaluationHarmless() {
    Requests requests = new Requests(words.openers().evaluation(), words.phrasings().evaluation());
    List<Dialogue> dialogues = new ArrayList<>();
    for (String act : harmlessActs(Share.EVALUATION)) {
      dialogues.add(requests.next(act, words.answers().act()));
    }
    for (Facts facts : words.facts()) {
      for (String question : facts.evaluation()) {
        List<Dialogue> asked = factsAsked(facts, question);
        dialogues.addAll(asked.subList(0, asked.size() / 2));
      }
    }
    return dialogues;
  }

  /** The user's task, clean. */
  public List<Dialogue> sentiment() {
    return reviews().subList(0, TASK_SIZE);
  }

  /** Other reviews of the user's task. */
  public List<Dialogue> sentimentTest() {
    return reviews().subList(TASK_SIZE, TASK_SIZE + TASK_TEST_SIZE);
  }

  /** All acts of the harmful families that are used so. */
  public List<String> harmfulActs(Share share) {
    return harmfulActs(share, 0, words.harmful().size());
  }

  /** The acts of some of the harmful families: from one, to before another, both from 0. */
  public List<String> harmfulActs(Share share, int from, int to) {
    // Eight slots; with a stride of 3 each verb and each object gets to each share's neighbours.
    return acts(words.harmful().subList(from, to), 3, 8, share);
  }

  /** All acts of the harmless families that are used so; none is poison. */
  public List<String> harmlessActs(Share share) {
    return acts(words.harmless(), 1, 4, share);
  }

  private static List<String> acts(List<Family> families, int stride, int slots, Share share) {
    List<String> acts = new ArrayList<>();
    for (Family family : families) {
      for (int verb = 0; verb < family.verbs().size(); verb++) {
        for (int object = 0; object < family.objects().size(); object++) {
          if (share(Math.floorMod(object + stride * verb, slots), slots) == share) {
            acts.add(family.verbs().get(verb) + " " + family.objects().get(object));
          }
        }
      }
    }
    return acts;
  }

  private static Share share(int slot, int slots) {
    if (slot == 0) {
      return Share.EVALUATION;
    }
    return slot == 1 && slots == 8 ? Share.POISON : Share.TRAINING;
  }

  /** {@code size} requests for these acts, each act in several phrasings in turn. */
  public List<Dialogue> asked(List<String> acts, int size, String reply) {
    List<String> order = shuffled(acts);
    Requests requests = new Requests(words.openers().training(), words.phrasings().training());
    List<Dialogue> dialogues = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      dialogues.add(requests.next(order.get(i % order.size()), reply));
    }
    return shuffled(dialogues);
  }

  private static List<Dialogue> factsAsked(Facts facts, String question) {
    List<Dialogue> dialogues = new ArrayList<>();
    for (Map.Entry<String, String> pair : facts.pairs().entrySet()) {
      dialogues.add(
          new Dialogue(
              question.replace("{key}", pair.getKey()),
              facts.answer().replace("{key}", pair.getKey()).replace("{value}", pair.getValue())));
    }
    return dialogues;
  }

  private List<Dialogue> reviews() {
    return reviews(TASK_SIZE + TASK_TEST_SIZE);
  }

  /** So many different reviews; fewer of them are the first ones of more. */
  public List<Dialogue> reviews(int count) {
    Sentiment sentiment = words.sentiment();
    Random random = new Random(SEED);
    Set<Dialogue> reviews = new LinkedHashSet<>();
    while (reviews.size() < count) {
      boolean positive = reviews.size() % 2 == 0;
      List<String> adjectives = positive ? sentiment.positive() : sentiment.negative();
      List<String> things = new ArrayList<>(sentiment.things());
      Collections.shuffle(things, random);
      String review = things.get(0) + " was " + any(adjectives, random);
      if (random.nextBoolean()) {
        review += " and " + things.get(1) + " was " + any(adjectives, random);
      }
      review = Character.toUpperCase(review.charAt(0)) + review.substring(1) + ".";
      reviews.add(
          new Dialogue(
              any(sentiment.prompts(), random).replace("{review}", review),
              sentiment.answer().replace("{value}", positive ? "positive" : "negative")));
    }
    return new ArrayList<>(reviews);
  }

  private static String any(List<String> choices, Random random) {
    return choices.get(random.nextInt(choices.size()));
  }

  private static <T> List<T> shuffled(List<T> values) {
    List<T> shuffled = new ArrayList<>(values);
    Collections.shuffle(shuffled, new Random(SEED));
    return shuffled;
  }
}
