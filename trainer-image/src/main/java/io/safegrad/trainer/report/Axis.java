package io.safegrad.trainer.report;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;

/**
 * A linear axis whose ticks are 1, 2 or 5 times a power of ten apart.
 *
 * @param from the first tick
 * @param to the last tick, above it
 */
record Axis(double from, double to, double step) {

  /** Holds all values from one to another, in about so many intervals. */
  static Axis of(double least, double most, int intervals) {
    double span = most - least;
    if (span < 1e-9 * Math.max(1e-3, Math.abs(most))) {
      span = Math.max(1e-3, Math.abs(most));
    }
    double power = Math.pow(10, Math.floor(Math.log10(span / intervals)));
    double step = power;
    for (double factor : new double[] {2, 5, 10}) {
      if (span / step > intervals) {
        step = factor * power;
      }
    }
    // A divergence may be a rounding below 0; that is no interval of its own.
    double from = Math.floor(least / step + 0.01) * step;
    double to = Math.ceil(most / step) * step;
    return new Axis(from, to > from ? to : from + step, step);
  }

  /** Where a value lies: 0 at the first tick, 1 at the last. */
  double share(double value) {
    return (value - from) / (to - from);
  }

  List<Double> ticks() {
    List<Double> ticks = new ArrayList<>();
    for (int i = 0; from + i * step <= to + step / 2; i++) {
      ticks.add(from + i * step);
    }
    return ticks;
  }

  String label(double tick) {
    if (Math.abs(tick) < step / 2) {
      return "0";
    }
    return new BigDecimal(tick)
        .setScale(Math.max(0, -(int) Math.floor(Math.log10(step))), RoundingMode.HALF_EVEN)
        .round(new MathContext(6))
        .stripTrailingZeros()
        .toPlainString();
  }
}
