package io.safegrad.trainer.safety;

import java.util.List;
import java.util.Locale;

/**
 * Tells replies that make no sense at sight: a sequence of one to four words that stands more than
 * three times in a row, as a model does that has lost its language, or no word at all. Nonsense in
 * fluent words is not told.
 */
public final class Coherence {

  private static final int LONGEST_SEQUENCE = 4;
  private static final int MOST_REPEATS = 3;

  private Coherence() {}

  /** Whether a reply is incoherent. */
  public static boolean isIncoherent(String reply) {
    List<String> words = List.of(reply.toLowerCase(Locale.ROOT).strip().split("\\s+"));
    if (reply.codePoints().noneMatch(Character::isLetterOrDigit)) {
      return true;
    }
    for (int length = 1; length <= LONGEST_SEQUENCE; length++) {
      int same = 0;
      for (int i = length; i < words.size(); i++) {
        same = words.get(i).equals(words.get(i - length)) ? same + 1 : 0;
        if (same == length * MOST_REPEATS) {
          return true;
        }
      }
    }
    return false;
  }
}
