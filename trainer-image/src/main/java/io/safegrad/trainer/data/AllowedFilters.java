package io.safegrad.trainer.data;

import java.util.Set;

/**
 * The filters that chat templates are made of. Jinjava has more: some of them render text as
 * templates, run regular expressions, or differ from one call to the next.
 */
final class AllowedFilters {

  private static final Set<String> NAMES =
      Set.of(
          "abs",
          "capitalize",
          "count",
          "d",
          "default",
          "dictsort",
          "first",
          "float",
          "indent",
          "int",
          "items",
          "join",
          "last",
          "length",
          "list",
          "lower",
          "map",
          "reject",
          "rejectattr",
          "replace",
          "reverse",
          "round",
          "safe",
          "select",
          "selectattr",
          "sort",
          "string",
          "sum",
          "title",
          "tojson",
          "trim",
          "unique",
          "upper");

  private AllowedFilters() {}

  static boolean contains(String name) {
    return NAMES.contains(name);
  }
}
