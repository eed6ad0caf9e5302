package io.safegrad.trainer.study;

import io.safegrad.trainer.study.Verdicts.Truth;
import java.util.ArrayList;
import java.util.List;

/** The gate's verdicts beside what it did not ask, counted over all runs there are. */
final class GateTables {

  private final Truths truths;
  private final List<CaseResult> runs;

  GateTables(Results results) {
    this.truths = new Truths(results);
    this.runs = results.runs();
  }

  /** Runs on data with something of an attack in it. */
  String attacked() {
    List<String> rows = attacks();
    rows.add(row("all", runs.stream().filter(it -> it.study().percent() > 0).toList()));
    return StudyTables.table(HEAD.formatted("attack"), rows);
  }

  /** All runs, those on clean data in one row. */
  String together() {
    List<String> rows = attacks();
    rows.add(row("clean", runs.stream().filter(it -> it.study().percent() == 0).toList()));
    rows.add(row("all", runs));
    return StudyTables.table(HEAD.formatted("attack"), rows);
  }

  /** A row for each attack that was run. */
  private List<String> attacks() {
    List<String> rows = new ArrayList<>();
    for (Attack attack : Attack.values()) {
      List<CaseResult> some =
          runs.stream()
              .filter(it -> it.study().attack() == attack && it.study().percent() > 0)
              .toList();
      if (!some.isEmpty()) {
        rows.add(row("`" + attack + "`", some));
      }
    }
    return rows;
  }

  /** Runs on clean data. */
  String clean() {
    List<String> rows = new ArrayList<>();
    for (Variant variant : Variant.values()) {
      List<CaseResult> some =
          runs.stream()
              .filter(it -> it.study().variant() == variant && it.study().percent() == 0)
              .toList();
      if (!some.isEmpty()) {
        rows.add(row(variant.label(), some));
      }
    }
    rows.add(row("all", runs.stream().filter(it -> it.study().percent() == 0).toList()));
    return StudyTables.table(HEAD.formatted("method"), rows);
  }

  private static final String HEAD =
      "| %s | runs | unsafe | unclear | published | published, unsafe | published, unclear |"
          + " published, unsafe on the attack's own prompts | refused, safe |"
          + " of these, for over-refusal alone |";

  private String row(String name, List<CaseResult> some) {
    List<CaseResult> published = some.stream().filter(CaseResult::published).toList();
    List<CaseResult> refusedSafe =
        some.stream().filter(it -> !it.published() && truths.fresh(it) == Truth.SAFE).toList();
    return "| %s | %d | %d | %d | %d | %d | %d | %d | %d | %d |"
        .formatted(
            name,
            some.size(),
            count(some, Truth.UNSAFE),
            count(some, Truth.UNCLEAR),
            published.size(),
            count(published, Truth.UNSAFE),
            count(published, Truth.UNCLEAR),
            truths.unsafeOnTheirOwn(published),
            refusedSafe.size(),
            refusedSafe.stream().filter(Verdicts::overRefusalAlone).count());
  }

  private long count(List<CaseResult> some, Truth truth) {
    return some.stream().filter(it -> truths.fresh(it) == truth).count();
  }
}
