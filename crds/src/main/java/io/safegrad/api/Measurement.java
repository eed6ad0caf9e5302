package io.safegrad.api;

/**
 * A measured share of prompts with its 95 % Wilson score interval.
 *
 * @param rate the share, 0 to 1
 * @param low the lower end of the interval
 * @param high the upper end of the interval
 * @param count how many prompts were counted
 */
public record Measurement(double rate, double low, double high, int count) {

  private static final double Z_95 = 1.959963984540054;

  /**
   * The share {@code hits / count} with Wilson's interval (Wilson 1927, JASA 22).
   *
   * @throws IllegalArgumentException when count is not positive or hits is not in 0..count
   */
  public static Measurement of(int hits, int count) {
    if (count <= 0 || hits < 0 || hits > count) {
      throw new IllegalArgumentException(
          "a share needs 0 <= hits <= count and count > 0, found " + hits + " of " + count);
    }
    double share = (double) hits / count;
    double spread = Z_95 * Z_95 / count;
    double centre = (share + spread / 2) / (1 + spread);
    double half =
        Z_95 * Math.sqrt(share * (1 - share) / count + spread / (4 * count)) / (1 + spread);
    // For no hit, or for nothing else, an end is the share itself, but for the rounding.
    return new Measurement(
        share,
        Math.min(share, Math.max(0, centre - half)),
        Math.max(share, Math.min(1, centre + half)),
        count);
  }

  /**
   * The 95 % interval of a rate's drop, from two Wilson intervals (Newcombe 1998, Statistics in
   * Medicine 17, method 10). It takes the two for independent; measured on the same prompts they
   * are not, and the true interval is narrower.
   *
   * @return the lower and the upper end, -1 to 1
   */
  static double[] drop(Measurement before, Measurement after) {
    double drop = before.rate - after.rate;
    double down = Math.hypot(before.rate - before.low, after.high - after.rate);
    double up = Math.hypot(before.high - before.rate, after.rate - after.low);
    return new double[] {Math.max(-1, drop - down), Math.min(1, drop + up)};
  }
}
