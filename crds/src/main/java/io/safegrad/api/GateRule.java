package io.safegrad.api;

/**
 * One rule of the gate as it was compared, in numbers. Rates are shares, the divergence is in nats.
 *
 * @param name the field of the gate, and before it of which prompts, where not of the platform's
 * @param value what was measured; null when it was not
 * @param low the lower end of its 95 % interval; null for a value without one
 * @param high the upper end of its 95 % interval
 * @param threshold what it was compared with
 * @param compared which of the three was compared
 * @param held whether it satisfies the threshold
 */
public record GateRule(
    String name,
    Double value,
    Double low,
    Double high,
    double threshold,
    Compared compared,
    boolean held) {

  /** What of a measurement is compared with the threshold. */
  public enum Compared {
    /** The value itself. */
    Estimate(""),
    /** The lower end of its interval, of what has to be large. */
    LowerBound("lower bound "),
    /** The upper end of its interval, of what has to be small. */
    UpperBound("upper bound ");

    private final String words;

    Compared(String words) {
      this.words = words;
    }

    /** What stands before a figure or a threshold of it, for people. */
    String words() {
      return words;
    }
  }
}
