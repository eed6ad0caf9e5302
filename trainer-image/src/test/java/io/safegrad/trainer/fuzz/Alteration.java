package io.safegrad.trainer.fuzz;

import java.util.SplittableRandom;

/** Makes an input of a valid one. The same random numbers make the same input. */
@FunctionalInterface
interface Alteration {

  /** Longest input, in bytes, unless the valid one is longer. */
  int MAX_BYTES = 1 << 16;

  /**
   * An altered input.
   *
   * @param other another valid input, to take parts from
   */
  byte[] of(byte[] input, byte[] other, SplittableRandom random);

  /** This alteration in some percent of the cases, else another one. */
  default Alteration inPercent(int percent, Alteration rest) {
    return (input, other, random) ->
        (random.nextInt(100) < percent ? this : rest).of(input, other, random);
  }
}
