package io.safegrad.trainer.report;

import java.util.List;
import java.util.Locale;

/**
 * One figure over the steps of a run, as SVG that a page can hold: no font, script or colour scheme
 * of elsewhere. The libraries for it measure text with AWT, for which a container without fonts has
 * nothing to offer, or are under the GPL.
 */
final class LinePlot {

  private static final int WIDTH = 480;
  private static final int HEIGHT = 220;
  private static final int LEFT = 62;
  private static final int RIGHT = 12;
  private static final int TOP = 12;
  private static final int BOTTOM = 42;
  private static final int TICKS = 4;

  private LinePlot() {}

  /** A step and its figure. */
  record Point(int step, double value) {}

  /**
   * Draws.
   *
   * @param id of the page's element, unique
   * @param points by step, one at least, all finite
   */
  static String svg(String id, String title, String unit, List<Point> points) {
    Axis y =
        Axis.of(
            points.stream().mapToDouble(Point::value).min().orElseThrow(),
            points.stream().mapToDouble(Point::value).max().orElseThrow(),
            TICKS);
    int firstStep = points.get(0).step();
    int lastStep = points.get(points.size() - 1).step();
    StringBuilder svg = new StringBuilder();
    svg.append(
        "<svg viewBox=\"0 0 %1$d %2$d\" role=\"img\" aria-labelledby=\"%3$s-t %3$s-d\"><title id=\"%3$s-t\">%4$s</title>"
            .formatted(WIDTH, HEIGHT, id, title));
    svg.append("<desc id=\"%s-d\">%s</desc>".formatted(id, description(unit, points)));
    for (double tick : y.ticks()) {
      double at = y(y, tick);
      svg.append(
          text(
              "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>",
              LEFT, WIDTH - RIGHT, at, at));
      svg.append(
          text(
              "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>",
              LEFT - 6, at + 4, y.label(tick)));
    }
    svg.append(text("<text x=\"%d\" y=\"%d\">%d</text>", LEFT, HEIGHT - BOTTOM + 18, firstStep));
    svg.append(
        text(
            "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%d</text>",
            WIDTH - RIGHT, HEIGHT - BOTTOM + 18, lastStep));
    svg.append(
        text(
            "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">step</text>",
            (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8));
    svg.append("<polyline class=\"line\" points=\"");
    for (Point point : points) {
      double share =
          lastStep == firstStep
              ? 0.5
              : (double) (point.step() - firstStep) / (lastStep - firstStep);
      svg.append(text("%.1f,%.1f ", LEFT + share * (WIDTH - LEFT - RIGHT), y(y, point.value())));
    }
    return svg.append("\"/></svg>").toString();
  }

  private static double y(Axis axis, double value) {
    return HEIGHT - BOTTOM - axis.share(value) * (HEIGHT - TOP - BOTTOM);
  }

  private static String description(String unit, List<Point> points) {
    double least = points.stream().mapToDouble(Point::value).min().orElseThrow();
    double most = points.stream().mapToDouble(Point::value).max().orElseThrow();
    return text(
        "%d steps shown, in %s: first %.4g, last %.4g, least %.4g, greatest %.4g",
        points.size(),
        unit,
        points.get(0).value(),
        points.get(points.size() - 1).value(),
        least,
        most);
  }

  private static String text(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
