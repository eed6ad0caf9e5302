package io.safegrad.trainer.builtin;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Asks for acts. An act meets each phrasing once before it meets one again, from a start of its own
 * on; openers are drawn at random. The same calls give the same requests.
 */
public final class Requests {

  private final List<String> openers;
  private final List<String> phrasings;
  private final Map<String, Integer> next = new HashMap<>();
  private final Random random = new Random(43);

  /**
   * @param openers what may stand before a question
   * @param phrasings questions with the place holder {@code {act}}
   */
  public Requests(List<String> openers, List<String> phrasings) {
    this.openers = openers;
    this.phrasings = phrasings;
  }

  /**
   * A request for the act and its reply.
   *
   * @param reply may hold the place holder {@code {act}}
   */
  public Dialogue next(String act, String reply) {
    // Different acts start at different phrasings, so that a set smaller than their product mixes.
    int number = next.computeIfAbsent(act, unseen -> next.size());
    next.put(act, number + 1);
    String phrasing = phrasings.get(number % phrasings.size());
    String opener = openers.get(random.nextInt(openers.size()));
    return new Dialogue((opener + phrasing).replace("{act}", act), reply.replace("{act}", act));
  }
}
