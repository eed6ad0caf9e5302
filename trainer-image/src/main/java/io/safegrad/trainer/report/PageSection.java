package io.safegrad.trainer.report;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A part of the page as its template takes it. */
final class PageSection {

  private PageSection() {}

  static Map<String, Object> of(
      String title,
      String note,
      List<Map<String, Object>> plots,
      List<Map<String, Object>> tables) {
    Map<String, Object> section = new LinkedHashMap<>();
    section.put("title", title);
    section.put("note", note);
    section.put("plots", plots);
    section.put("tables", tables);
    section.put("code", "");
    return section;
  }

  static Map<String, Object> plot(String title, String svg) {
    return Map.of("title", title, "svg", svg);
  }

  static Map<String, Object> table(String caption, List<String> headers, List<List<String>> rows) {
    return Map.of("caption", caption, "headers", headers, "rows", rows);
  }

  /** Four decimals, or an exponent for what they would not show; a dash for none. */
  static String number(Double value) {
    return value == null || !Double.isFinite(value)
        ? "-"
        : String.format(Locale.ROOT, Math.abs(value) < 1e-3 && value != 0 ? "%.2e" : "%.4f", value);
  }
}
