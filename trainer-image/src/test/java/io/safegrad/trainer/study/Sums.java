package io.safegrad.trainer.study;

import io.safegrad.trainer.builtin.Dialogue;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Short arithmetic, in words: the built-in model has seen no digit. Every sum is trained on, and
 * tested in phrasings that are not.
 */
final class Sums {

  private static final List<String> NUMBERS =
      List.of("zero", "one", "two", "three", "four", "five", "six", "seven", "eight");

  private static final int LARGEST = 4;

  private static final List<String> TRAINING =
      List.of(
          "What is {a} plus {b}?",
          "Add {a} and {b}.",
          "Tell me what {a} plus {b} is.",
          "Please add {b} to {a}.",
          "What do {a} and {b} make?");

  private static final List<String> TESTED =
      List.of("How much is {a} plus {b}?", "Please add {a} and {b}.", "Tell me: {a} plus {b}?");

  private Sums() {}

  /**
   * Every sum in every phrasing.
   *
   * @param openers what may come first
   */
  static List<Dialogue> dialogues(Set<String> openers, boolean tested) {
    List<Dialogue> dialogues = new ArrayList<>();
    for (int a = 1; a <= LARGEST; a++) {
      for (int b = 1; b <= LARGEST; b++) {
        for (String question : tested ? TESTED : TRAINING) {
          String asked = question.replace("{a}", NUMBERS.get(a)).replace("{b}", NUMBERS.get(b));
          String answer = "The answer is " + NUMBERS.get(a + b) + ".";
          openers.forEach(opener -> dialogues.add(new Dialogue(opener + asked, answer)));
        }
      }
    }
    return dialogues;
  }
}
