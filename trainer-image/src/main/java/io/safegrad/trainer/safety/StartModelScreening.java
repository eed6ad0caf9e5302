package io.safegrad.trainer.safety;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.data.ValidationSplit;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Leaves out what the start model refuses, before it is learned: it is no fine-tune's business,
 * whatever form the examples' own replies have. A prompt that the start model answers is not looked
 * at further, so harm in harmless words gets through.
 */
public final class StartModelScreening {

  private StartModelScreening() {}

  /**
   * Those examples of a data set that the start model answers, in the order of the file.
   *
   * @throws TrainerException with BAD_DATA when nothing is left
   */
  public static List<TokenizedExample> kept(StartModelRefusals refusals) {
    List<TokenizedExample> user = refusals.asked();
    if (refusals.refusing().cardinality() == user.size()) {
      throw new TrainerException(
          ExitReason.BAD_DATA,
          "dataset.source: expected examples whose prompts the start model answers"
              + " (safety.screening: LeaveOut), found that it refuses all "
              + user.size());
    }
    int[] kept = IntStream.range(0, user.size()).filter(i -> !refusals.refusing().get(i)).toArray();
    return kept.length == user.size() ? user : ValidationSplit.selection(user, kept);
  }
}
