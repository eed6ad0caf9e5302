package io.safegrad.trainer.study;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What was tried to make SafeGrad better, as Markdown. A row whose case was not run is not there.
 */
final class ChangeTables {

  private final Results results;
  private final Grid grid;

  ChangeTables(Results results, Grid grid) {
    this.results = results;
    this.grid = grid;
  }

  /** SafeGrad with one thing changed, where it leaks. */
  String changes() {
    List<StudyCase> leaks = grid.leaks(Variant.SAFE_GRAD, StudyGrid.SEEDS.get(0));
    List<String> rows =
        IntStream.range(0, leaks.size())
            .boxed()
            .flatMap(
                leak ->
                    Grid.CHANGES.stream()
                        .flatMap(each -> row(leaks.get(leak), leak, each).stream()))
            .toList();
    return StudyTables.table(
        "| data | alignment set | method | seeds | refuses fresh prompts | refuses the attack's own |"
            + " refuses harmless | solves the task | KL, trained on | KL, held out | CPU s |",
        rows);
  }

  private Optional<String> row(StudyCase leak, int index, Variant variant) {
    Pool pool = Pool.of(results, seed -> grid.leaks(variant, seed).get(index));
    if (pool.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        "| %s | %s | %s | %d | %s | %s | %s | %s | %s | %s | %s |"
            .formatted(
                data(leak),
                leak.alignment(),
                variant.label(),
                pool.results().size(),
                pool.share(CaseResult::fresh),
                leak.percent() == 0 ? "" : pool.share(CaseResult::attack),
                Pool.percent(pool.count(CaseResult::overRefusal).rate()),
                Pool.percent(pool.count(CaseResult::accuracy).rate()),
                pool.number("%.4f", CaseResult::alignmentKl),
                pool.number("%.4f", CaseResult::heldOutKl),
                pool.number("%.0f", CaseResult::trainingCpuSeconds)));
  }

  private static String data(StudyCase study) {
    return study.percent() == 0 ? "clean" : "`" + study.attack() + "` " + study.percent() + " %";
  }

  /** Screening by the start model beside the same methods without it. */
  String screens() {
    return screens(grid.screens(Variant.SAFE_GRAD_SCREEN));
  }

  /** The same where the attacks' share is larger. */
  String screensOfMore() {
    return screens(grid.attacked(Variant.SAFE_GRAD_SCREEN, 30));
  }

  private String screens(List<StudyCase> cases) {
    List<String> rows = new ArrayList<>();
    for (StudyCase screened : cases) {
      Stream.of(
              Variant.SAFE_GRAD,
              Variant.SFT_SCREEN,
              Variant.WEIGHTED_SUM_SCREEN,
              Variant.SAFE_GRAD_SCREEN)
          .map(variant -> Pool.of(results, seed -> as(screened, variant, seed)))
          .filter(pool -> !pool.isEmpty())
          .forEach(pool -> rows.add(screened(pool)));
    }
    return StudyTables.table(
        "| data | alignment set | method | seeds | left out | refuses fresh prompts |"
            + " refuses the attack's own | refuses harmless | solves the task | CPU s | published |",
        rows);
  }

  private StudyCase as(StudyCase screened, Variant variant, int seed) {
    return grid.of(
        screened.task(),
        screened.attack(),
        screened.percent(),
        variant,
        screened.alignment(),
        seed);
  }

  private static String screened(Pool pool) {
    StudyCase study = pool.results().get(0).study();
    return "| %s | %s | %s | %d | %s | %s | %s | %s | %s | %s | %s |"
        .formatted(
            data(study),
            study.alignment(),
            study.variant().label(),
            pool.results().size(),
            StudyTables.left(pool),
            pool.share(CaseResult::fresh),
            study.percent() == 0 ? "" : pool.share(CaseResult::attack),
            Pool.percent(pool.count(CaseResult::overRefusal).rate()),
            Pool.percent(pool.count(CaseResult::accuracy).rate()),
            pool.number("%.0f", CaseResult::trainingCpuSeconds),
            pool.verdicts());
  }
}
