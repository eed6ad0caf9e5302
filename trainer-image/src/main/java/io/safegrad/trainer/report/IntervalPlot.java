package io.safegrad.trainer.report;

import io.safegrad.api.Measurement;
import io.safegrad.trainer.telemetry.Rates;
import java.util.List;
import java.util.Locale;

/** Rates before and after, each a dot on its 95 % interval, as SVG. */
final class IntervalPlot {

  private static final int WIDTH = 480;
  private static final int LEFT = 110;
  private static final int RIGHT = 20;
  private static final int ROW = 44;
  private static final int TOP = 8;
  private static final int QUARTERS = 4;

  private IntervalPlot() {}

  /**
   * One rate.
   *
   * @param after null when there is no tuned model
   */
  record Row(String name, Measurement before, Measurement after) {}

  static String svg(String id, String title, List<Row> rows) {
    int bottom = TOP + rows.size() * ROW;
    StringBuilder svg = new StringBuilder();
    svg.append(
        "<svg viewBox=\"0 0 %1$d %2$d\" role=\"img\" aria-labelledby=\"%3$s-t %3$s-d\"><title id=\"%3$s-t\">%4$s</title><desc id=\"%3$s-d\">"
            .formatted(WIDTH, bottom + 30, id, title));
    for (Row row : rows) {
      svg.append(row.name()).append(": before ").append(Rates.withInterval(row.before()));
      svg.append(row.after() == null ? ". " : ", after " + Rates.withInterval(row.after()) + ". ");
    }
    svg.append("</desc>");
    for (int i = 0; i <= QUARTERS; i++) {
      double x = x((double) i / QUARTERS);
      svg.append(
          text(
              "<line class=\"grid\" x1=\"%1$.1f\" x2=\"%1$.1f\" y1=\"%2$d\" y2=\"%3$d\"/>",
              x, TOP, bottom));
      svg.append(
          text(
              "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d%%</text>",
              x, bottom + 20, 100 * i / QUARTERS));
    }
    for (int i = 0; i < rows.size(); i++) {
      Row row = rows.get(i);
      int y = TOP + i * ROW;
      svg.append(
          text(
              "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>",
              LEFT - 12, y + 26, row.name()));
      svg.append(mark("before", row.before(), y + 14));
      svg.append(row.after() == null ? "" : mark("after", row.after(), y + 30));
    }
    return svg.append("</svg>").toString();
  }

  /** Before is hollow and after is filled, so that they differ without colour, too. */
  private static String mark(String kind, Measurement measured, int y) {
    return text(
        "<line class=\"%1$s\" x1=\"%2$.1f\" x2=\"%3$.1f\" y1=\"%4$d\" y2=\"%4$d\"/>"
            + "<circle class=\"%1$s\" cx=\"%5$.1f\" cy=\"%4$d\" r=\"5\"/>",
        kind, x(measured.low()), x(measured.high()), y, x(measured.rate()));
  }

  private static double x(double share) {
    return LEFT + share * (WIDTH - LEFT - RIGHT);
  }

  private static String text(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
