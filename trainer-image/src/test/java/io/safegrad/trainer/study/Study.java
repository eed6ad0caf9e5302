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
      names = "--again",
      split = ",",
      description =
          "Run the cases of these keys again and no others; leave what they give in again.jsonl of"
              + " the workspace, or in the shared folder, and the results as they are.")
  private List<String> again;

  @Option(
      names = "--part",
      description = "With --again: measure this alone, of ${COMPLETION-CANDIDATES}.")
  private CaseRun.Part part;

  @Option(
      names = "--take-over",
      description =
          "Run nothing: take over into the results what --part measured, of this file, and write the"
              + " page.")
  private Path measuredAgain;

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

  private final PrintStream out;

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
    if (measuredAgain != null) {
      out.println("held-out KL: " + results.takeOver(Results.read(measuredAgain)));
    } else if (!write) {
      Files.createDirectories(workspace);
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
    if (!quick && shared == null && again == null) {
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
    OpenCases open =
        new OpenCases(
            again != null && part != null ? study -> run.run(study, part) : run::run,
            shared == null ? null : new Share(shared),
            minutes,
            out);
    if (quick) {
      open.run(results, List.of(QuickGrid.of()));
      return;
    }
    if (again != null) {
      List<StudyCase> cases = again.stream().map(key -> caseOf(results, "--again", key)).toList();
      open.run(
          Results.read(workspace.resolve("again.jsonl")), List.of(new SubStudy("again", cases)));
      return;
    }
    StudyGrid grid = modelPath == null ? new Grid(results, steps) : new SmolGrid(results, steps);
    List<SubStudy> untuned = grid.untuned();
    List<String> names = untuned.stream().map(SubStudy::name).toList();
    if (only != null && names.containsAll(only)) {
      open.run(results, untuned.stream().filter(each -> only.contains(each.name())).toList());
      return;
    }
    open.run(results, untuned);
    if (shared != null && !open.completed(results, untuned)) {
      return;
    }
    open.run(
        results,
        grid.reported().stream()
            .filter(each -> only == null || only.contains(each.name()))
            .toList());
  }

  private void print(Results results, StudyModel model) {
    StudyCase study = caseOf(results, "--transcripts", transcripts);
    new CaseRun(model, this::print).run(study);
  }

  private static StudyCase caseOf(Results results, String option, String key) {
    return results.all().stream()
        .filter(result -> result.key().equals(key))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    option + ": expected the key of a case in the results, found " + key))
        .study();
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
            OpenCases.text(found.sound()),
            OpenCases.text(found.refusedOfSound()));
      }
    }
  }
}
