package io.safegrad.monitoring;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The metrics and labels that an expression names. It reads only what rules and dashboards here are
 * written in: no braces within label values. Whether an expression is valid is Prometheus' to say.
 *
 * @param selectors each metric with the labels that it is selected by
 * @param grouping the labels that vectors are grouped and matched by
 */
record PromqlNames(List<Selector> selectors, Set<String> grouping) {

  record Selector(String metric, Set<String> labels) {}

  private static final Pattern GROUPING =
      Pattern.compile("\\b(?:by|without|on|ignoring|group_left|group_right)\\s*\\(([^)]*)\\)");
  private static final Pattern TEXT = Pattern.compile("\"[^\"]*\"");
  private static final Pattern RANGE = Pattern.compile("\\[[^]]*]");
  private static final Pattern SELECTOR =
      Pattern.compile("(?<![\\w$])([a-zA-Z_:][\\w:]*)\\s*(?:\\{([^}]*)})?(?!\\s*\\(|\\w)");
  private static final Pattern LABEL = Pattern.compile("(\\w+)\\s*(?:=~|!~|!=|=)");
  private static final Set<String> KEYWORDS = Set.of("and", "or", "unless", "bool", "offset");

  static PromqlNames of(String expression) {
    Set<String> grouping = new TreeSet<>();
    Matcher groups = GROUPING.matcher(TEXT.matcher(expression).replaceAll("\"\""));
    String rest =
        groups.replaceAll(
            found -> {
              for (String label : found.group(1).split(",")) {
                if (!label.isBlank()) {
                  grouping.add(label.strip());
                }
              }
              return " ";
            });
    List<Selector> selectors = new ArrayList<>();
    SELECTOR
        .matcher(RANGE.matcher(rest).replaceAll(" "))
        .results()
        .filter(found -> !KEYWORDS.contains(found.group(1)))
        .forEach(found -> selectors.add(new Selector(found.group(1), labels(found))));
    return new PromqlNames(selectors, grouping);
  }

  private static Set<String> labels(MatchResult selector) {
    Set<String> labels = new TreeSet<>();
    if (selector.group(2) != null) {
      LABEL.matcher(selector.group(2)).results().forEach(found -> labels.add(found.group(1)));
    }
    return labels;
  }
}
