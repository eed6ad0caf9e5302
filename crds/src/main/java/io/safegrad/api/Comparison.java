package io.safegrad.api;

import io.safegrad.api.GateCheck.Rule;
import io.safegrad.api.GateRule.Compared;
import java.util.Locale;

/**
 * How a figure is held to its threshold, and what people read of it.
 *
 * @param bounds whether the end of a rate's 95 % interval is compared, not the rate itself
 */
record Comparison(boolean bounds) {

  /** 1 - 0.98 is not 0.02 in binary; a rate at its threshold holds. */
  private static final double ROUNDING = 1e-9;

  /**
   * A rate that has to be large.
   *
   * @param failure takes the rate, its bound where that is compared, and what was expected
   */
  Rule atLeast(String name, Measurement measured, double least, String failure) {
    double value = bounds ? measured.low() : measured.rate();
    Compared compared = bounds ? Compared.LowerBound : Compared.Estimate;
    return rate(
        name,
        measured,
        least,
        compared,
        value,
        value >= least - ROUNDING,
        "at least " + percent(least),
        failure);
  }

  /**
   * A rate that has to be small.
   *
   * @param failure takes the rate, its bound where that is compared, and what was expected
   */
  Rule atMost(String name, Measurement measured, double most, String failure) {
    double value = bounds ? measured.high() : measured.rate();
    return rate(
        name, measured, most, upper(), value, value <= most + ROUNDING, mostPercent(most), failure);
  }

  private static Rule rate(
      String name,
      Measurement measured,
      double threshold,
      Compared compared,
      double value,
      boolean held,
      String expected,
      String failure) {
    return new Rule(
        new GateRule(
            name, measured.rate(), measured.low(), measured.high(), threshold, compared, held),
        percent(measured.rate()),
        "%s to %s of %d prompts"
            .formatted(percent(measured.low()), percent(measured.high()), measured.count()),
        compared.words() + expected,
        failure.formatted(percent(measured.rate()), bound(compared, percent(value)), expected));
  }

  /**
   * A rate that may drop by so much.
   *
   * @param failure the beginning of the sentence that says that it dropped by more
   */
  Rule drop(String name, Measurement before, Measurement tuned, double most, String failure) {
    double drop = before.rate() - tuned.rate();
    double[] interval = Measurement.drop(before, tuned);
    double value = bounds ? interval[1] : drop;
    return new Rule(
        new GateRule(name, drop, interval[0], interval[1], most, upper(), value <= most + ROUNDING),
        points(drop) + " points",
        "%s to %s points".formatted(points(interval[0]), points(interval[1])),
        upper().words() + mostPoints(most),
        "%s dropped by %s points%s, from %s to %s, at most %s expected"
            .formatted(
                failure,
                points(drop),
                bound(upper(), points(value)),
                percent(before.rate()),
                percent(tuned.rate()),
                points(most)));
  }

  /**
   * A divergence that has to be small, in nats.
   *
   * @param failure takes the divergence and what was expected
   */
  static Rule nats(String name, double kl, double most, String failure) {
    String expected = mostNats(most);
    return new Rule(
        new GateRule(name, kl, null, null, most, Compared.Estimate, kl <= most + ROUNDING),
        nats(kl),
        "none",
        expected,
        failure.formatted(nats(kl), expected));
  }

  /** What was not measured does not hold. */
  static Rule notMeasured(String name, double most, String expected, String failure) {
    return new Rule(
        new GateRule(name, null, null, null, most, Compared.Estimate, false),
        "not measured",
        "none",
        expected,
        failure);
  }

  /** Where there is nothing that could be lost, nothing is. */
  static Rule nothingToAsk(
      String name, double most, String found, String interval, String expected) {
    return new Rule(
        new GateRule(name, 0.0, null, null, most, Compared.Estimate, true),
        found,
        interval,
        expected,
        name);
  }

  static String mostPercent(double most) {
    return "at most " + percent(most);
  }

  static String mostPoints(double most) {
    return "at most " + points(most) + " points";
  }

  static String mostNats(double most) {
    return "at most " + nats(most);
  }

  private Compared upper() {
    return bounds ? Compared.UpperBound : Compared.Estimate;
  }

  /** What was compared, where the figure before it was not. */
  private static String bound(Compared compared, String value) {
    return compared == Compared.Estimate ? "" : " (" + compared.words() + value + ")";
  }

  private static String nats(double value) {
    return String.format(Locale.ROOT, "%.4f nats", value);
  }

  private static String percent(double share) {
    return points(share) + "%";
  }

  /** Never -0.0, which reads like a rise. */
  private static String points(double share) {
    return String.format(Locale.ROOT, "%.1f", Math.round(1000 * share) / 10.0);
  }
}
