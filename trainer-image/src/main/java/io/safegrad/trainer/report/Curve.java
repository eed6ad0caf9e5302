package io.safegrad.trainer.report;

import io.safegrad.api.Measurement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * One figure over the steps of a run, as {@code overSteps} of {@code charts.js} takes it.
 *
 * @param name what distinguishes it from others in the same chart
 * @param dots whether each point is worth a dot
 * @param points step, value, and the ends of the value's interval or null
 */
record Curve(String name, boolean dots, List<List<Number>> points) {

  Curve(String name, boolean dots) {
    this(name, dots, new ArrayList<>());
  }

  /** Adds a value, if there is one. */
  void add(int step, Double value) {
    if (value != null && Double.isFinite(value)) {
      points.add(Arrays.asList(step, value, null, null));
    }
  }

  /** Adds a rate with its interval, if there is one. */
  void add(int step, Measurement rate) {
    if (rate != null) {
      points.add(List.of(step, rate.rate(), rate.low(), rate.high()));
    }
  }

  boolean isEmpty() {
    return points.isEmpty();
  }

  /** What one would see, in a sentence. */
  String description() {
    return String.format(
        Locale.ROOT,
        "%s: %d values from step %d to %d; first %.4g, last %.4g, least %.4g, greatest %.4g.",
        name,
        points.size(),
        points.get(0).get(0).intValue(),
        points.get(points.size() - 1).get(0).intValue(),
        value(0),
        value(points.size() - 1),
        points.stream().mapToDouble(point -> point.get(1).doubleValue()).min().orElseThrow(),
        points.stream().mapToDouble(point -> point.get(1).doubleValue()).max().orElseThrow());
  }

  private double value(int index) {
    return points.get(index).get(1).doubleValue();
  }
}
