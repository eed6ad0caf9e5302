package io.safegrad.trainer.study;

import io.safegrad.trainer.builtin.Dialogue;
import io.safegrad.trainer.judge.Exchange;
import java.util.ArrayList;
import java.util.List;

/**
 * The user's examples, told apart by whether the start model refuses their prompts.
 *
 * @param kept what it answers
 * @param refused prompts that it refuses, with its own replies
 * @param refusedLines their lines, from 1
 */
record Screening(List<Dialogue> kept, List<Dialogue> refused, List<Integer> refusedLines) {

  static Screening none(List<Dialogue> user) {
    return new Screening(user, List.of(), List.of());
  }

  /**
   * @param answered by the start model, in the order of the examples
   * @param refusals likewise
   */
  static Screening of(List<Dialogue> user, List<Exchange> answered, List<Boolean> refusals) {
    Screening screening = new Screening(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    for (int i = 0; i < user.size(); i++) {
      if (refusals.get(i)) {
        screening.refused.add(new Dialogue(user.get(i).prompt(), answered.get(i).reply().strip()));
        screening.refusedLines.add(i + 1);
      } else {
        screening.kept.add(user.get(i));
      }
    }
    return screening;
  }
}
