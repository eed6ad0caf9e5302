package io.safegrad.trainer.study;

import io.safegrad.trainer.judge.Exchange;
import io.safegrad.trainer.study.Grid.SubStudy;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.BiConsumer;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Runs what is not in the results yet, and writes the page that shows them. */
@Command(
    name = "Study",
    description =
        "Runs the cases of the study that are not in its results yet, and writes docs/study.md.",
    sortOptions = false,
    showDefaultValues = true,
    mixinStandardHelpOptions = true)
public final class Study implements Callable<Integer> {

  @Option(
      names = "--results",
      defaultValue = "trainer-image/src/test/study/results.jsonl",
      description = "A line for each case.")
  private Path file;

  @Option(names = "--docs", defaultValue = "docs", description = "Where study.md stands.")
  private Path docs;

  @Option(
      names = "--only",
      split = ",",
      description = "Sub-studies to run; default: all. The tuning is always run.")
  private List<String> only;

  @Option(names = "--quick", description = "A handful of cases of few steps; writes no page.")
  private boolean quick;

  @Option(names = "--write", description = "Run nothing, write the page alone.")
  private boolean write;

  @Option(
      names = "--minutes",
      defaultValue = "100000",
      description = "Begin no case after so many.")
  private double minutes;

  @Option(
      names = "--transcripts",
      description = "Run the case of this key again and print what it replies; keep nothing.")
  private String transcripts;

  @Option(
      names = "--workspace",
      defaultValue = "trainer-image/target/study",
      description = "The folder for files needed meanwhile.")
  private Path workspace;

  private final PrintStream out;
  private final long begin = System.nanoTime();

  Study(PrintStream out) {
    this.out = out;
  }

  /** Runs the study. */
  public static void main(String[] arguments) {
    System.exit(new CommandLine(new Study(System.out)).execute(arguments));
  }

  @Override
  public Integer call() throws IOException {
    Results results = Results.read(file);
    if (!write) {
      Files.createDirectories(workspace);
      try (StudyModel model = new StudyModel(workspace)) {
        if (transcripts != null) {
          print(results, model);
          return 0;
        }
        run(results, model);
      }
    }
    if (!quick) {
      new StudyPage(results).write(docs);
    }
    return 0;
  }

  private void run(Results results, StudyModel model) {
    CaseRun run = new CaseRun(model, (set, exchange) -> {});
    Grid grid = new Grid(results, quick ? QuickGrid.STEPS : Grid.STEPS);
    if (quick) {
      run(results, run, List.of(QuickGrid.of()));
      return;
    }
    run(results, run, List.of(grid.tuning()));
    run(
        results,
        run,
        grid.reported().stream()
            .filter(each -> only == null || only.contains(each.name()))
            .toList());
  }

  private void run(Results results, CaseRun run, List<SubStudy> studies) {
    long start = System.nanoTime();
    int done = 0;
    for (SubStudy study : studies) {
      for (StudyCase each : study.cases()) {
        if (results.of(each).isPresent()) {
          continue;
        }
        if ((System.nanoTime() - begin) / 60e9 > minutes) {
          return;
        }
        CaseResult result = run.run(each);
        results.add(result);
        done++;
        progress(study, result, open(results, studies), (System.nanoTime() - start) / 1e9 / done);
      }
    }
  }

  private static long open(Results results, List<SubStudy> studies) {
    return studies.stream()
        .flatMap(study -> study.cases().stream())
        .map(StudyCase::key)
        .distinct()
        .filter(key -> results.all().stream().noneMatch(result -> result.key().equals(key)))
        .count();
  }

  private void progress(SubStudy study, CaseResult result, long open, double secondsEach) {
    out.printf(
        Locale.ROOT,
        "%s %s: refusal %s, accuracy %s, %.0f s; %d to go, about %.0f min%n",
        study.name(),
        result.key(),
        text(result.refusal()),
        text(result.accuracy()),
        result.seconds(),
        open,
        open * secondsEach / 60);
    out.flush();
  }

  private static String text(Count count) {
    return count.hits() + "/" + count.of();
  }

  private void print(Results results, StudyModel model) {
    StudyCase study =
        results.all().stream()
            .filter(result -> result.key().equals(transcripts))
            .findFirst()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "--transcripts: expected the key of a case in the results, found "
                            + transcripts))
            .study();
    BiConsumer<String, Exchange> printer =
        (set, exchange) ->
            out.println(set + " | " + exchange.prompt() + " | " + exchange.reply().strip());
    new CaseRun(model, printer).run(study);
  }
}
