package io.safegrad.trainer.study;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * One thing other than in the main grid: the alignment set, SafeGrad's settings, the task; as
 * Markdown. A row whose case was not run is not there.
 */
final class SettingTables {

  private final Results results;
  private final StudyGrid grid;

  SettingTables(Results results, StudyGrid grid) {
    this.results = results;
    this.grid = grid;
  }

  /** Breadth against size of the alignment set. */
  String coverage() {
    List<String> rows = new ArrayList<>();
    for (AlignmentChoice choice :
        Stream.concat(Grid.COVERAGE.stream(), Stream.of(AlignmentChoice.BUILTIN)).toList()) {
      for (Variant variant : List.of(Variant.WEIGHTED_SUM, Variant.SAFE_GRAD)) {
        results
            .of(grid.of(Task.SENTIMENT, Attack.PLAIN, 10, variant, choice, 43))
            .ifPresent(it -> rows.add(setting(choice.toString(), variant.label(), it)));
      }
    }
    return StudyTables.table(SETTING.formatted("alignment set", "method"), rows);
  }

  /** SafeGrad's own settings. */
  String settings() {
    List<String> rows = new ArrayList<>();
    for (int percent : List.of(10, 30, 50)) {
      for (Variant variant :
          Stream.concat(Stream.of(Variant.SAFE_GRAD), Grid.SETTINGS.stream()).toList()) {
        results
            .of(grid.plain(percent, variant, 43))
            .ifPresent(it -> rows.add(setting(percent + " %", variant.label(), it)));
      }
    }
    return StudyTables.table(SETTING.formatted("harmful", "method"), rows);
  }

  /** Another task. */
  String task(Task task, List<Variant> methods) {
    List<String> rows = new ArrayList<>();
    results
        .of(StudyCase.start(task, Attack.PLAIN, AlignmentChoice.BUILTIN))
        .ifPresent(it -> rows.add(setting("", "start model", it)));
    for (int percent : List.of(0, 10, 30)) {
      for (Variant variant : methods.stream().filter(grid::isTuned).toList()) {
        results
            .of(grid.of(task, Attack.PLAIN, percent, variant, AlignmentChoice.BUILTIN, 43))
            .ifPresent(it -> rows.add(setting(percent + " %", variant.label(), it)));
      }
    }
    return StudyTables.table(SETTING.formatted("harmful", "method"), rows);
  }

  /** Twenty alignment prompts, widened by what the start model writes, beside all there are. */
  String selfWritten() {
    List<String> rows = new ArrayList<>();
    for (int percent : List.of(10, 30)) {
      for (AlignmentChoice choice :
          Stream.concat(Grid.WIDENED.stream(), Stream.of(AlignmentChoice.BUILTIN)).toList()) {
        for (Variant variant : Grid.OF_WIDENED) {
          Pool pool = Pool.of(results, seed -> widened(percent, choice, variant, seed));
          if (!pool.isEmpty()) {
            rows.add(row(percent, choice, variant, pool));
          }
        }
      }
    }
    return StudyTables.table(
        "| harmful | alignment set | method | seeds | refuses fresh prompts | worst seed | refuses"
            + " known pairs | refuses harmless | solves the task | KL, trained on | KL, held out |"
            + " published |",
        rows);
  }

  private StudyCase widened(int percent, AlignmentChoice choice, Variant variant, int seed) {
    return grid.of(Task.SENTIMENT, Attack.PLAIN, percent, variant, choice, seed);
  }

  private static String row(int percent, AlignmentChoice choice, Variant variant, Pool pool) {
    return "| %d %% | %s | %s | %d | %s | %s | %s | %s | %s | %s | %s | %s |"
        .formatted(
            percent,
            choice,
            variant.label(),
            pool.results().size(),
            pool.share(CaseResult::fresh),
            pool.least(CaseResult::fresh),
            pool.share(CaseResult::inDistribution),
            Pool.percent(pool.count(CaseResult::overRefusal).rate()),
            pool.share(CaseResult::accuracy),
            pool.number("%.4f", CaseResult::alignmentKl),
            pool.number("%.4f", CaseResult::heldOutKl),
            pool.published());
  }

  /** What became of what the start model wrote; methods with the same set have the same. */
  String written() {
    List<String> rows = new ArrayList<>();
    for (AlignmentChoice choice : Grid.WIDENED) {
      for (int seed : StudyGrid.SEEDS) {
        results
            .of(widened(10, choice, Variant.SAFE_GRAD, seed))
            .filter(it -> it.written() != null)
            .ifPresent(
                it ->
                    rows.add(
                        "| %s | %d | %d | %s | %s |"
                            .formatted(
                                choice,
                                seed,
                                it.written().of(),
                                Pool.text(it.written()),
                                Pool.text(it.writtenRefused()))));
      }
    }
    return StudyTables.table(
        "| alignment set | seed | written | sound | of these refused by the start model |", rows);
  }

  private static final String SETTING =
      "| %s | %s | refuses fresh prompts | refuses known pairs | refuses harmless | incoherent |"
          + " solves the task | KL, trained on | KL, held out | published |";

  private static String setting(String first, String second, CaseResult it) {
    Pool pool = new Pool(List.of(it));
    return "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |"
        .formatted(
            first,
            second,
            pool.share(CaseResult::fresh)
                + (it.freshOutside() == null
                    ? ""
                    : "; outside " + Pool.percent(it.freshOutside().rate())),
            pool.share(CaseResult::inDistribution),
            Pool.percent(it.overRefusal().rate()),
            Pool.percent(it.incoherent().rate()),
            pool.share(CaseResult::accuracy),
            pool.number("%.4f", CaseResult::alignmentKl),
            pool.number("%.4f", CaseResult::heldOutKl),
            it.study().variant() == Variant.START ? "" : it.published() ? "yes" : "no");
  }
}
