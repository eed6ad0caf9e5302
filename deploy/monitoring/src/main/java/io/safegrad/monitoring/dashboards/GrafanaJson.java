package io.safegrad.monitoring.dashboards;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.monitoring.dashboards.Dashboard.Row;
import io.safegrad.monitoring.dashboards.Dashboard.Variable;
import io.safegrad.monitoring.dashboards.Panel.Display;
import io.safegrad.monitoring.dashboards.Panel.Query;

/** Dashboards as Grafana 10 and later import them: the classic JSON model. */
final class GrafanaJson {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int SCHEMA_VERSION = 39;
  private static final int COLUMNS = 24;

  private GrafanaJson() {}

  /** The dashboard as the text of a file. */
  static String of(Dashboard dashboard) {
    DefaultPrettyPrinter printer =
        new DefaultPrettyPrinter().withObjectIndenter(new DefaultIndenter("  ", "\n"));
    printer.indentArraysWith(new DefaultIndenter("  ", "\n"));
    try {
      return JSON.writer(printer).writeValueAsString(node(dashboard)) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  private static ObjectNode node(Dashboard dashboard) {
    ObjectNode node = JSON.createObjectNode();
    node.putObject("annotations").putArray("list");
    node.put("description", dashboard.description());
    node.put("editable", false);
    node.put("graphTooltip", 1);
    node.putArray("links");
    node.set("panels", panels(dashboard));
    node.put("refresh", "30s");
    node.put("schemaVersion", SCHEMA_VERSION);
    node.putArray("tags").add("safegrad");
    node.putObject("templating").set("list", variables(dashboard));
    node.putObject("time").put("from", "now-6h").put("to", "now");
    node.put("timezone", "browser");
    node.put("title", dashboard.title());
    node.put("uid", dashboard.uid());
    node.put("version", 1);
    return node;
  }

  private static ArrayNode variables(Dashboard dashboard) {
    ArrayNode list = JSON.createArrayNode();
    list.addObject()
        .put("name", "datasource")
        .put("label", "Data source")
        .put("type", "datasource")
        .put("query", "prometheus")
        .put("refresh", 1);
    for (Variable variable : dashboard.variables()) {
      ObjectNode node =
          list.addObject()
              .put("name", variable.name())
              .put("label", variable.label())
              .put("type", "query")
              .put("query", variable.query())
              .put("definition", variable.query())
              .put("allValue", ".+")
              .put("includeAll", true)
              .put("multi", true)
              .put("refresh", 2)
              .put("sort", 1);
      node.set("datasource", datasource());
      node.putObject("current").put("text", "All").put("value", "$__all");
    }
    return list;
  }

  /** Rows from top to bottom; in a row, panels from left to right as long as there is room. */
  private static ArrayNode panels(Dashboard dashboard) {
    ArrayNode list = JSON.createArrayNode();
    int y = 0;
    int id = 1;
    for (Row row : dashboard.rows()) {
      ObjectNode heading = list.addObject();
      heading.put("id", id++).put("type", "row").put("title", row.title()).put("collapsed", false);
      heading.putArray("panels");
      place(heading, 0, y++, COLUMNS, 1);
      int x = 0;
      int height = 0;
      for (Panel panel : row.panels()) {
        if (x + panel.width() > COLUMNS) {
          x = 0;
          y += height;
          height = 0;
        }
        ObjectNode node = panel(panel, id++);
        place(node, x, y, panel.width(), panel.height());
        list.add(node);
        x += panel.width();
        height = Math.max(height, panel.height());
      }
      y += height;
    }
    return list;
  }

  private static void place(ObjectNode node, int x, int y, int width, int height) {
    node.putObject("gridPos").put("h", height).put("w", width).put("x", x).put("y", y);
  }

  private static ObjectNode panel(Panel panel, int id) {
    ObjectNode node = JSON.createObjectNode();
    node.put("id", id)
        .put("type", panel.display().type())
        .put("title", panel.title())
        .put("description", panel.description());
    node.set("datasource", datasource());
    ObjectNode fieldConfig = node.putObject("fieldConfig");
    ObjectNode defaults = fieldConfig.putObject("defaults").put("unit", panel.unit().id());
    fieldConfig.putArray("overrides");
    // Interval of 15 s scrapes; a rate needs four of them.
    node.put("interval", "15s");
    options(panel.display(), node.putObject("options"), defaults);
    ArrayNode targets = node.putArray("targets");
    char reference = 'A';
    for (Query query : panel.queries()) {
      ObjectNode target = targets.addObject();
      target.put("refId", String.valueOf(reference++));
      target.set("datasource", datasource());
      target.put("expr", query.expression()).put("legendFormat", query.legend());
      // A name is that of the moment: over a range each name would have a last value.
      boolean moment = panel.display() == Display.NAME;
      target.put("range", !moment).put("instant", moment);
    }
    return node;
  }

  private static void options(Display display, ObjectNode options, ObjectNode defaults) {
    switch (display) {
      case LINES, STACK -> {
        ObjectNode custom = defaults.putObject("custom");
        custom.put("lineWidth", 1).put("fillOpacity", display == Display.STACK ? 40 : 5);
        custom.put("showPoints", "auto").put("spanNulls", false);
        custom.putObject("stacking").put("mode", display == Display.STACK ? "normal" : "none");
        ObjectNode legend = options.putObject("legend");
        legend.put("displayMode", "table").put("placement", "bottom").put("showLegend", true);
        legend.putArray("calcs").add("lastNotNull").add("max");
        options.putObject("tooltip").put("mode", "multi").put("sort", "desc");
      }
      case STAT, NAME, YES_NO -> {
        ObjectNode reduce = options.putObject("reduceOptions").put("values", false);
        reduce.put("fields", "").putArray("calcs").add("lastNotNull");
        options.put("colorMode", "value").put("graphMode", "none");
        options.put("textMode", display == Display.NAME ? "name" : "auto");
        // Grafana's defaults, which its schema requires.
        options.put("justifyMode", "auto").put("orientation", "auto").put("wideLayout", true);
        options.put("showPercentChange", false).put("percentChangeColorMode", "standard");
      }
    }
  }

  private static ObjectNode datasource() {
    return JSON.createObjectNode().put("type", "prometheus").put("uid", "${datasource}");
  }
}
