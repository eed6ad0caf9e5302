package io.safegrad.monitoring.dashboards;

import java.util.List;

/**
 * One panel of a dashboard.
 *
 * @param title what it shows
 * @param description what its values mean, in a sentence or two
 * @param display how it shows them
 * @param unit what they are counted in
 * @param width columns of 24 that it takes
 * @param queries what is asked
 */
public record Panel(
    String title, String description, Display display, Unit unit, int width, List<Query> queries) {

  /** How values are shown. */
  public enum Display {
    /** The newest value as a number. */
    STAT("stat", 4),
    /** The newest value of each series as the name of that series. */
    NAME("stat", 4),
    /** The newest value as yes or no. */
    YES_NO("stat", 4),
    /** Lines over time. */
    LINES("timeseries", 8),
    /** Lines over time that add up. */
    STACK("timeseries", 8);

    private final String type;
    private final int height;

    Display(String type, int height) {
      this.type = type;
      this.height = height;
    }

    String type() {
      return type;
    }

    int height() {
      return height;
    }
  }

  /** What values are counted in, in Grafana's words. */
  public enum Unit {
    COUNT("short"),
    NUMBER("none"),
    SHARE("percentunit"),
    SECONDS("s"),
    HOURS("h"),
    BYTES("bytes"),
    PER_SECOND("cps"),
    REQUESTS("reqps"),
    OPERATIONS("ops"),
    YES_NO("bool_yes_no");

    private final String id;

    Unit(String id) {
      this.id = id;
    }

    String id() {
      return id;
    }
  }

  /**
   * What is asked.
   *
   * @param expression PromQL with the dashboard's variables
   * @param legend the name of each series, with labels in double braces
   */
  public record Query(String expression, String legend) {}

  /** Lines of the grid that it takes. */
  public int height() {
    return display.height();
  }

  static Panel panel(
      String title, String description, Display display, Unit unit, int width, Query... queries) {
    return new Panel(title, description, display, unit, width, List.of(queries));
  }

  static Query query(String expression, String legend) {
    return new Query(expression, legend);
  }
}
