package io.safegrad.api;

/**
 * One rule of the gate as it was compared, in numbers. Rates are shares, the divergence is in nats.
 *
 * @param name the field of the gate
 * @param value what was measured; null when it was not
 * @param low the lower end of its 95 % interval; null for a value without one
 * @param high the upper end of its 95 % interval
 * @param threshold what it was compared with
 * @param compared which of the three was compared: always the value itself, the estimate
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
    Estimate
  }
}
