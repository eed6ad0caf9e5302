package io.safegrad.trainer.study;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which alignment set a run has.
 *
 * @param size how many prompts
 * @param pairs of how many pairs of verb and object they are at most; 0 for all there are
 * @param families of how many of the twelve families of harmful acts, the first ones; 0 for all
 * @param covering whether they are chosen from all 384 by k-center in the start model's hidden
 *     states, and not at random
 * @param written how many prompts come on top that the start model has written and refuses itself
 */
record AlignmentChoice(int size, int pairs, int families, boolean covering, int written) {

  /** The built-in one. */
  static final AlignmentChoice BUILTIN = of(384);

  private static final Pattern TEXT =
      Pattern.compile(
          "(\\d+)(?: of (\\d+) pairs)?(?: of (\\d+) families)?( covering)?(?: and (\\d+) self-written)?");

  static AlignmentChoice of(int size) {
    return new AlignmentChoice(size, 0, 0, false, 0);
  }

  AlignmentChoice ofPairs(int most) {
    return new AlignmentChoice(size, most, families, covering, written);
  }

  AlignmentChoice ofFamilies(int first) {
    return new AlignmentChoice(size, pairs, first, covering, written);
  }

  AlignmentChoice chosenToCover() {
    return new AlignmentChoice(size, pairs, families, true, written);
  }

  AlignmentChoice withSelfWritten(int more) {
    return new AlignmentChoice(size, pairs, families, covering, more);
  }

  @JsonCreator
  static AlignmentChoice parse(String text) {
    Matcher parts = TEXT.matcher(text);
    if (!parts.matches()) {
      throw new IllegalArgumentException("expected an alignment set such as 384, found " + text);
    }
    return new AlignmentChoice(
        number(parts.group(1)),
        number(parts.group(2)),
        number(parts.group(3)),
        parts.group(4) != null,
        number(parts.group(5)));
  }

  private static int number(String digits) {
    return digits == null ? 0 : Integer.parseInt(digits);
  }

  @Override
  @JsonValue
  public String toString() {
    return size
        + (pairs == 0 ? "" : " of " + pairs + " pairs")
        + (families == 0 ? "" : " of " + families + " families")
        + (covering ? " covering" : "")
        + (written == 0 ? "" : " and " + written + " self-written");
  }
}
