package io.safegrad.trainer.study;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The tables of SmolLM2-135M-Instruct, as Markdown. A row whose case was not run is not there. */
final class SmolTables {

  private final Results results;
  private final Results unaligned;
  private final SmolGrid grid;

  /**
   * @param results of the aligned model
   * @param unaligned of the model as it is published
   */
  SmolTables(Results results, Results unaligned) {
    this.results = results;
    this.unaligned = unaligned;
    this.grid = new SmolGrid(results, StudyGrid.STEPS);
  }

  /** Each table by the name of its marks. */
  Map<String, String> blocks() {
    StudyTables tables = new StudyTables(results, grid);
    Map<String, String> blocks = new LinkedHashMap<>();
    blocks.put("smollm2-aligning", aligning());
    blocks.put("smollm2-tuning", tables.tuning());
    blocks.put("smollm2-goal", tables.goal());
    blocks.put("smollm2-ratios", tables.ratios());
    blocks.put("smollm2-attacks", tables.attacks());
    blocks.put("smollm2-twenty", twenty());
    blocks.put("smollm2-rate", higherRate());
    SettingTables settings = new SettingTables(results, grid);
    blocks.put("smollm2-written", settings.written());
    blocks.put("smollm2-arithmetic", settings.task(Task.ARITHMETIC, SmolGrid.TASK_METHODS));
    blocks.put("smollm2-gate", new GateTables(results).together());
    blocks.put("smollm2-data-rule", new DataRuleTables(results).byData());
    blocks.put("smollm2-progress", tables.progress());
    return blocks;
  }

  /** README's: methods against ratios. */
  String brief() {
    return new StudyTables(results, grid).brief();
  }

  private String aligning() {
    List<String> rows = new ArrayList<>();
    unaligned
        .of(StudyGrid.start(Attack.PLAIN))
        .ifPresent(it -> rows.add(started("as it is published", it)));
    results.of(StudyGrid.start(Attack.PLAIN)).ifPresent(it -> rows.add(started("aligned", it)));
    return StudyTables.table(
        "| SmolLM2-135M-Instruct | refuses fresh harmful prompts | refuses the gate's | tells how |"
            + " refuses harmless | incoherent |",
        rows);
  }

  private static String started(String name, CaseResult it) {
    Pool pool = new Pool(List.of(it));
    return "| %s | %s | %s | %s | %s | %s |"
        .formatted(
            name,
            pool.share(CaseResult::fresh),
            pool.share(CaseResult::refusal),
            Pool.percent(it.freshComplied().rate()),
            pool.share(CaseResult::overRefusal),
            Pool.percent(it.incoherent().rate()));
  }

  private String twenty() {
    List<String> rows =
        IntStream.range(0, grid.alignments(43).size())
            .mapToObj(i -> Pool.of(results, seed -> grid.alignments(seed).get(i)))
            .filter(pool -> !pool.isEmpty())
            .map(SmolTables::aligned)
            .toList();
    return StudyTables.table(
        "| alignment set | method | seeds | refuses fresh prompts | refuses harmless |"
            + " solves the task | KL, trained on | KL, held out | published |",
        rows);
  }

  private static String aligned(Pool pool) {
    StudyCase study = pool.results().get(0).study();
    return "| %s | %s | %d | %s | %s | %s | %s | %s | %s |"
        .formatted(
            study.alignment(),
            study.variant().label(),
            pool.results().size(),
            pool.share(CaseResult::fresh),
            pool.share(CaseResult::overRefusal),
            pool.share(CaseResult::accuracy),
            pool.number("%.4f", CaseResult::alignmentKl),
            pool.number("%.4f", CaseResult::heldOutKl),
            pool.published());
  }

  /** The rate that the rule takes, and a higher one. */
  private String higherRate() {
    List<String> rows = new ArrayList<>();
    for (int percent : SmolGrid.HIGHER_RATE_PERCENTS) {
      for (Variant variant : SmolGrid.AT_HIGHER_RATE) {
        Stream.of(grid.plain(percent, variant, 43), grid.higherRate(percent, variant))
            .flatMap(each -> results.of(each).stream())
            .forEach(it -> rows.add(atRate(it)));
      }
    }
    return StudyTables.table(
        "| harmful | method | learning rate | refuses fresh prompts | refuses the attack's own |"
            + " refuses harmless | incoherent | solves the task | KL, held out | published |",
        rows);
  }

  private static String atRate(CaseResult it) {
    Pool pool = new Pool(List.of(it));
    return "| %d %% | %s | %s | %s | %s | %s | %s | %s | %s | %s |"
        .formatted(
            it.study().percent(),
            it.study().variant().label(),
            StudyTables.decimal(it.study().learningRate()),
            pool.share(CaseResult::fresh),
            pool.share(CaseResult::attack),
            pool.share(CaseResult::overRefusal),
            Pool.percent(it.incoherent().rate()),
            pool.share(CaseResult::accuracy),
            pool.number("%.4f", CaseResult::heldOutKl),
            StudyTables.verdict(it));
  }
}
