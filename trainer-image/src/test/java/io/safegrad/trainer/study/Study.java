package io.safegrad.trainer.study;

import io.safegrad.trainer.builtin.Dialogue;
import io.safegrad.trainer.judge.Exchange;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.study.SelfWritten.Written;
import io.safegrad.trainer.study.StudyGrid.SubStudy;
import io.safegrad.trainer.tensor.Compute;
import io.safegrad.trainer.tensor.ComputeDevice;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.function.Function;
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

  private static final Path FOLDER = Path.of("trainer-image/src/test/study");

  @Option(
      names = "--results",
      description =
          "A line for each case; default: the model's own file in trainer-image/src/test/study."
              + " The page shows those in the file's folder.")
  private Path file;

  @Option(
      names = "--model",
      description =
          "SmolLM2-135M-Instruct, aligned, whose own cases are run; default: the built-in model.")
  private Path modelPath;

  @Option(
      names = "--device",
      defaultValue = "cpu",
      description = "cpu, or cuda for the first GPU, where another model computes in bfloat16.")
  private String device;

  @Option(
      names = "--share",
      description =
          "A folder: processes that name the same one share out the cases, leave each result"
              + " there, and write neither results nor page.")
  private Path shared;

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

  @Option(names = "--steps", defaultValue = "200", description = "Of each run; less for a trial.")
  private int steps;

  @Option(
      names = "--prompts",
      defaultValue = "100000",
      description = "Of each set that is asked at most; less for a trial.")
  private int prompts;

  @Option(
      names = "--transcripts",
      description = "Run the case of this key again and print what it replies; keep nothing.")
  private String transcripts;

  @Option(
      names = "--written",
      description =
          "Have the start model go on so many times with the beginnings of twenty alignment prompts,"
              + " and of nothing, and print what is sound, and its replies; run no case.")
  private int written;

  @Option(
      names = "--workspace",
      defaultValue = "trainer-image/target/study",
      description = "The folder for files needed meanwhile.")
  private Path workspace;

  private static final long POLL_MILLIS = 1000;

  private final PrintStream out;
  private Share share;
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
    if (file == null) {
      file = FOLDER.resolve(modelPath == null ? StudyPage.RESULTS : StudyPage.SMOL_RESULTS);
    }
    Results results = Results.read(file);
    if (!write) {
      Files.createDirectories(workspace);
      share = shared == null ? null : new Share(shared);
      try (StudyModel model = model()) {
        if (written > 0) {
          printWritten(model);
          return 0;
        }
        if (transcripts != null) {
          print(results, model);
          return 0;
        }
        run(results, model);
      }
    }
    if (!quick && share == null) {
      StudyPage.of(file.toAbsolutePath().getParent()).write(docs);
    }
    return 0;
  }

  private StudyModel model() {
    return modelPath == null
        ? new StudyModel(workspace, prompts)
        : new StudyModel(
            modelPath,
            Compute.on(device.equals("cuda") ? ComputeDevice.CUDA : ComputeDevice.CPU, null),
            workspace,
            prompts);
  }

  private void run(Results results, StudyModel model) throws IOException {
    CaseRun run = new CaseRun(model, (set, exchange) -> {});
    if (quick) {
      run(results, run, List.of(QuickGrid.of()));
      return;
    }
    StudyGrid grid = modelPath == null ? new Grid(results, steps) : new SmolGrid(results, steps);
    List<SubStudy> untuned = grid.untuned();
    List<String> names = untuned.stream().map(SubStudy::name).toList();
    if (only != null && names.containsAll(only)) {
      run(results, run, untuned.stream().filter(each -> only.contains(each.name())).toList());
      return;
    }
    run(results, run, untuned);
    if (share != null && !completed(results, run, untuned)) {
      return;
    }
    run(
        results,
        run,
        grid.reported().stream()
            .filter(each -> only == null || only.contains(each.name()))
            .toList());
  }

  private void run(Results results, CaseRun run, List<SubStudy> studies) throws IOException {
    long start = System.nanoTime();
    int done = 0;
    for (SubStudy study : studies) {
      for (StudyCase each : study.cases()) {
        if (isOver()) {
          return;
        }
        if (!isOpen(results, each)) {
          continue;
        }
        CaseResult result;
        if (share == null) {
          result = run.run(each);
          results.add(result);
        } else {
          try {
            result = run.run(each);
          } catch (RuntimeException e) {
            // A GPU may be of no more use to this process.
            share.fail(each, e);
            throw e;
          }
          share.leave(result);
          results.adopt(result);
        }
        done++;
        progress(study, result, open(results, studies), (System.nanoTime() - start) / 1e9 / done);
      }
    }
  }

  private boolean isOver() {
    return (System.nanoTime() - begin) / 60e9 > minutes;
  }

  /** Whether a case is this process's to run. */
  private boolean isOpen(Results results, StudyCase each) throws IOException {
    if (results.of(each).isPresent()) {
      return false;
    }
    if (share == null) {
      return true;
    }
    share.results().forEach(results::adopt);
    return results.of(each).isEmpty() && share.take(each);
  }

  /** Waits for the cases of others, and runs what they leave; false when the time is over first. */
  private boolean completed(Results results, CaseRun run, List<SubStudy> studies)
      throws IOException {
    while (isAwaited(results, studies)) {
      if (isOver()) {
        return false;
      }
      try {
        Thread.sleep(POLL_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      }
      run(results, run, studies);
      share.results().forEach(results::adopt);
    }
    return true;
  }

  private boolean isAwaited(Results results, List<SubStudy> studies) throws IOException {
    for (SubStudy study : studies) {
      for (StudyCase each : study.cases()) {
        if (results.of(each).isEmpty() && !share.isLost(each)) {
          return true;
        }
      }
    }
    return false;
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
    new CaseRun(model, this::print).run(study);
  }

  private void print(String set, Exchange exchange) {
    out.println(set + " | " + exchange.prompt() + " | " + exchange.reply().strip());
  }

  private void printWritten(StudyModel model) {
    List<Dialogue> twenty = new StudyCorpus().alignmentCandidates(AlignmentChoice.of(20));
    Function<Random, String> beginnings = SelfWritten.beginningsOf(twenty);
    try (CausalLm start = model.loadStart()) {
      SelfWritten writer = new SelfWritten(model, start, CaseRun.JUDGE, this::print);
      for (Function<Random, String> each : List.of(beginnings, (Random random) -> "")) {
        Written found = writer.write(each, twenty, written, written, StudyGrid.TUNING_SEED);
        out.printf(
            "%s: sound %s, of these refused %s%n",
            each == beginnings ? "from beginnings" : "from nothing",
            text(found.sound()),
            text(found.refusedOfSound()));
      }
    }
  }
}
