package io.safegrad.trainer.study;

import io.safegrad.trainer.report.Charts;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** What the documents show of the results: tables between marks, and plots. */
final class StudyPage {

  static final String RESULTS = "results.jsonl";
  static final String SMOL_RESULTS = "results-smollm2.jsonl";
  static final String SMOL_TEMPLATES = "again-smollm2-templates.jsonl";

  private static final String BEGIN = "<!-- study %s: written by study.sh --write -->\n";
  private static final String END = "<!-- end of study %s -->";

  private final StudyTables tables;
  private final Map<String, String> blocks = new LinkedHashMap<>();
  private final String brief;
  private final String smolBrief;

  /** Of the results files in a folder. */
  static StudyPage of(Path folder) throws IOException {
    return new StudyPage(
        Results.read(folder.resolve(RESULTS)),
        Results.read(folder.resolve(SMOL_RESULTS)),
        Results.read(folder.resolve(SMOL_TEMPLATES)),
        Results.read(folder.resolve("results-smollm2-unaligned.jsonl")));
  }

  /**
   * @param results of the built-in model
   * @param smol of SmolLM2-135M-Instruct, aligned
   * @param smolTemplates of its runs that were trained again and asked in their data's templates
   * @param unaligned of the same as it is published
   */
  StudyPage(Results results, Results smol, Results smolTemplates, Results unaligned) {
    Grid grid = new Grid(results, StudyGrid.STEPS);
    GateTables gate = new GateTables(results);
    tables = new StudyTables(results, grid);
    brief = tables.brief();
    blocks.put("progress", tables.progress());
    blocks.put("tuning", tables.tuning());
    blocks.put("goal", tables.goal());
    blocks.put("ratios", tables.ratios());
    blocks.put("inside", tables.inside());
    blocks.put("attacks", tables.attacks());
    SettingTables settings = new SettingTables(results, grid);
    blocks.put("coverage", settings.coverage());
    blocks.put("self-written", settings.selfWritten());
    blocks.put("written", settings.written());
    blocks.put("settings", settings.settings());
    blocks.put("format", settings.task(Task.FORMAT, Grid.TASK_METHODS));
    blocks.put("arithmetic", settings.task(Task.ARITHMETIC, Grid.TASK_METHODS));
    ChangeTables changes = new ChangeTables(results, grid);
    blocks.put("changes", changes.changes());
    blocks.put("screens", changes.screens());
    blocks.put("screens-30", changes.screensOfMore());
    blocks.put("gate", gate.attacked());
    blocks.put("clean", gate.clean());
    DataRuleTables dataRule = new DataRuleTables(results);
    blocks.put("data-rule", dataRule.byAttack());
    blocks.put("data-rule-drops", dataRule.byThreshold());
    TemplateRuleTables templateRule = new TemplateRuleTables(results, results);
    blocks.put("template-rule", templateRule.byAttack());
    blocks.put("template-rule-drops", templateRule.byThreshold());
    blocks.put("both-rules", templateRule.together());
    KlRuleTables klRule = KlRuleTables.onRefusals(results);
    blocks.put("kl-rule", klRule.byAttack());
    blocks.put("kl-rule-drops", klRule.byThreshold());
    KlRuleTables klRuleInTemplates = KlRuleTables.inTemplates(results);
    blocks.put("kl-rule-templates", klRuleInTemplates.byAttack());
    blocks.put("kl-rule-templates-drops", klRuleInTemplates.byThreshold());
    SmolTables smolTables = new SmolTables(smol, unaligned);
    blocks.putAll(smolTables.blocks());
    TemplateRuleTables smolRule = new TemplateRuleTables(smol, smolTemplates);
    blocks.put("smollm2-template-rule", smolRule.byAttack());
    blocks.put("smollm2-template-rule-drops", smolRule.byThreshold());
    blocks.put("smollm2-kl-rule-drops", KlRuleTables.heldOut(smol).byThreshold());
    smolBrief = smolTables.brief();
  }

  /**
   * What the files should hold, by their path.
   *
   * @param docs the folder of study.md; README.md is beside it
   */
  Map<Path, String> files(Path docs) throws IOException {
    Map<Path, String> files = new LinkedHashMap<>();
    Path page = docs.resolve("study.md");
    String text = Files.readString(page);
    for (Map.Entry<String, String> block : blocks.entrySet()) {
      text = filled(page, text, block.getKey(), block.getValue());
    }
    files.put(page, text);
    Path readme = docs.resolveSibling("README.md");
    String front = filled(readme, Files.readString(readme), "brief", brief);
    files.put(readme, filled(readme, front, "smollm2-brief", smolBrief));
    files.put(
        docs.resolve("study/refusal.svg"),
        plot("refusal", "Refusal of fresh harmful prompts", CaseResult::fresh));
    files.put(
        docs.resolve("study/accuracy.svg"),
        plot("accuracy", "Accuracy on the user's task", CaseResult::accuracy));
    return files;
  }

  /** Writes what has changed. */
  void write(Path docs) throws IOException {
    Files.createDirectories(docs.resolve("study"));
    files(docs)
        .forEach(
            (path, content) -> {
              try {
                Files.writeString(path, content);
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
  }

  private static String filled(Path page, String text, String name, String content) {
    String begin = BEGIN.formatted(name);
    int from = text.indexOf(begin);
    int to = text.indexOf(END.formatted(name));
    if (from < 0 || to < from) {
      throw new IllegalStateException(page + ": expected the marks of study " + name);
    }
    return text.substring(0, from + begin.length()) + content + text.substring(to);
  }

  /**
   * A line of a plot, as {@code charts.js} takes it.
   *
   * @param points harmful share in percent, share, and the ends of its interval
   */
  private record Line(String name, boolean dots, List<List<Number>> points) {}

  private record Plot(String axis, boolean share, List<Line> series) {}

  private String plot(String id, String title, Function<CaseResult, Count> figure) {
    List<Line> lines = new ArrayList<>();
    StringBuilder description = new StringBuilder();
    for (Variant variant : Grid.METHODS) {
      List<List<Number>> points = new ArrayList<>();
      for (int percent : Grid.PERCENTS) {
        Pool pool = tables.plain(percent, variant);
        if (!pool.isEmpty()) {
          var share = pool.count(figure).measurement();
          points.add(List.of(percent, share.rate(), share.low(), share.high()));
        }
      }
      if (!points.isEmpty()) {
        lines.add(new Line(variant.label(), true, points));
        description.append(variant.label()).append(':');
        points.forEach(
            point ->
                description
                    .append(' ')
                    .append(Pool.percent(point.get(1).doubleValue()))
                    .append(" at ")
                    .append(point.get(0))
                    .append(" % harmful,"));
        description.setCharAt(description.length() - 1, '.');
        description.append(' ');
      }
    }
    String svg =
        new Charts()
            .svg(
                "overSteps",
                id,
                title,
                description.toString().strip(),
                new Plot("harmful examples, %", true, lines));
    return svg.replaceFirst("<svg ", "<svg xmlns=\"http://www.w3.org/2000/svg\" ") + "\n";
  }
}
