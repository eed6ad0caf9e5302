package io.safegrad.monitoring.dashboards;

import java.util.List;

/**
 * A Grafana dashboard.
 *
 * @param uid its name in addresses and of its file
 * @param title what people see
 * @param description what it is for
 * @param variables what people choose from, the data source apart
 * @param rows its panels, under headings
 */
public record Dashboard(
    String uid, String title, String description, List<Variable> variables, List<Row> rows) {

  /**
   * Panels under one heading.
   *
   * @param title the heading
   */
  public record Row(String title, List<Panel> panels) {}

  /**
   * Something to choose from.
   *
   * @param name its name in expressions, without the dollar
   * @param label what people see
   * @param query Grafana's {@code label_values(…)}
   */
  public record Variable(String name, String label, String query) {}

  /** All panels. */
  public List<Panel> panels() {
    return rows.stream().flatMap(row -> row.panels().stream()).toList();
  }
}
