package io.safegrad.local;

import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * One line for each of several things: written over in place on a terminal; elsewhere printed when
 * its stage changes, and now and then.
 */
final class ProgressLines {

  /**
   * What one thing does.
   *
   * @param stage printed at once when it changes, terminal or not
   */
  record Line(String stage, String text) {}

  private static final Duration NOW_AND_THEN = Duration.ofSeconds(15);
  private static final String UP = "\033[%dA";
  private static final String CLEAR_TO_END = "\033[K";

  private final PrintStream out;
  private final int columns;
  private List<Line> shown = new ArrayList<>();
  private List<Instant> shownAt = new ArrayList<>();

  /**
   * @param columns width of the terminal that {@code out} is; 0 when it is none
   */
  ProgressLines(PrintStream out, int columns) {
    this.out = out;
    this.columns = columns;
  }

  /** Shows the lines; there are as many at each call. */
  void show(List<Line> lines) {
    if (columns > 0) {
      if (!shown.isEmpty()) {
        out.printf(UP, shown.size());
      }
      lines.forEach(line -> out.println(cut(line.text()) + CLEAR_TO_END));
      out.flush();
      shown = lines;
      return;
    }
    Instant now = Instant.now();
    for (int index = 0; index < lines.size(); index++) {
      Line line = lines.get(index);
      boolean first = index >= shown.size();
      if (first) {
        shown.add(line);
        shownAt.add(now);
      }
      boolean due =
          first
              || !shown.get(index).stage().equals(line.stage())
              || !shown.get(index).equals(line)
                  && shownAt.get(index).plus(NOW_AND_THEN).isBefore(now);
      if (due) {
        out.println(line.text());
        shown.set(index, line);
        shownAt.set(index, now);
      }
    }
  }

  /** A line that wraps could not be written over. */
  private String cut(String text) {
    return text.length() < columns ? text : text.substring(0, columns - 1);
  }

  /** What follows is not part of these lines. */
  void end() {
    shown = new ArrayList<>();
    shownAt = new ArrayList<>();
  }
}
