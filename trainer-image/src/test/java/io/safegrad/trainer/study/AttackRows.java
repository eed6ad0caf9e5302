package io.safegrad.trainer.study;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;

/** The rows of a table by attack. */
final class AttackRows {

  private AttackRows() {}

  /**
   * A row for each attack, one for clean data, and one for all.
   *
   * @param row of a name and the runs it stands for
   */
  static List<String> of(List<CaseResult> runs, BiFunction<String, List<CaseResult>, String> row) {
    List<String> rows = new ArrayList<>();
    for (Attack attack : Attack.values()) {
      rows.add(
          row.apply(
              "`" + attack + "`",
              runs.stream()
                  .filter(it -> it.study().attack() == attack && it.study().percent() > 0)
                  .toList()));
    }
    rows.add(row.apply("clean", runs.stream().filter(it -> it.study().percent() == 0).toList()));
    rows.add(row.apply("all", runs));
    return rows;
  }
}
