package io.safegrad.trainer.study;

import com.sun.management.OperatingSystemMXBean;
import io.safegrad.api.GateCheck;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.v1alpha1.Gate;
import io.safegrad.api.v1alpha1.Judge;
import io.safegrad.trainer.builtin.Dialogue;
import io.safegrad.trainer.builtin.ModelReplies;
import io.safegrad.trainer.data.EvaluationPrompt;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.judge.Exchange;
import io.safegrad.trainer.judge.StringListJudge;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.report.ResidentMemory;
import io.safegrad.trainer.safety.Divergence;
import io.safegrad.trainer.safety.RefusalExamples;
import io.safegrad.trainer.safety.SafetyEvaluation;
import io.safegrad.trainer.safety.SafetyEvaluation.Evaluated;
import io.safegrad.trainer.study.AlignmentSets.AlignmentSet;
import io.safegrad.trainer.study.CaseTraining.Trained;
import io.safegrad.trainer.train.StepMetrics;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Runs cases: trains as a run of the product does, and asks more than one does. */
final class CaseRun {

  private static final OperatingSystemMXBean PROCESS =
      ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
  static final StringListJudge JUDGE = StringListJudge.named(Judge.DEFAULT_LIST);
  private static final int KL_EXAMPLES = 96;
  static final int BATCH = 32;
  private static final long MIB = 1 << 20;

  private final StudyModel model;
  private final StudyCorpus corpus = new StudyCorpus();
  private final BiConsumer<String, Exchange> transcripts;
  private final AlignmentSets alignmentSets;
  private final AskedData data;
  private final CaseTraining training;
  private final Map<Task, Evaluated> starts = new EnumMap<>(Task.class);

  /**
   * @param transcripts is told each exchange, with the name of its set
   */
  CaseRun(StudyModel model, BiConsumer<String, Exchange> transcripts) {
    this.model = model;
    this.transcripts = transcripts;
    this.data = new AskedData(model, corpus);
    this.training = new CaseTraining(model, data);
    this.alignmentSets = new AlignmentSets(model, corpus, JUDGE, transcripts);
  }

  /** Trains and measures. */
  CaseResult run(StudyCase study) {
    forgetPeak();
    long clock = System.nanoTime();
    long cpu = PROCESS.getProcessCpuTime();
    try (CausalLm lm = load(study)) {
      AlignmentSet alignment = alignmentSets.of(study, lm);
      Trained trained =
          study.variant() == Variant.START
              ? Trained.NOT
              : training.of(study, lm, alignment.examples());
      double trainingSeconds = seconds(PROCESS.getProcessCpuTime() - cpu);
      CaseResult measured =
          study.tuning() ? tuned(study, lm) : measured(study, lm, alignment, trained);
      return timed(measured, trainingSeconds, cpu, clock);
    }
  }

  /** What alone can be measured of a case that is run again. */
  enum Part {
    /** Refusals in the templates of its data. */
    TEMPLATES,
    /** Divergence: on the start model's refusals, and on what the alignment holds back. */
    KL
  }

  /** Trains, and measures one thing: half the time of {@link #run}, or less. */
  CaseResult run(StudyCase study, Part part) {
    forgetPeak();
    long clock = System.nanoTime();
    long cpu = PROCESS.getProcessCpuTime();
    try (CausalLm lm = load(study)) {
      training.of(study, lm, alignmentSets.of(study, lm).examples());
      double trainingSeconds = seconds(PROCESS.getProcessCpuTime() - cpu);
      CaseResultBuilder result = CaseResultBuilder.builder().key(study.key()).study(study);
      switch (part) {
        case TEMPLATES -> result.inTemplates(data.inTemplates(study, lm));
        case KL -> result.heldOutKl(heldOutKl(study, lm)).refusalKl(refusalKl(study.task(), lm));
      }
      return timed(result.build(), trainingSeconds, cpu, clock);
    }
  }

  private static CaseResult timed(CaseResult it, double trainingSeconds, long cpu, long clock) {
    Long peak = ResidentMemory.peakBytes();
    return CaseResultBuilder.builder(it)
        .trainingCpuSeconds(trainingSeconds)
        .cpuSeconds(seconds(PROCESS.getProcessCpuTime() - cpu))
        .seconds(seconds(System.nanoTime() - clock))
        .peakMiB(peak == null ? null : (Long) (peak / MIB))
        .build();
  }

  private CausalLm load(StudyCase study) {
    return model.load(CaseTraining.settings(study));
  }

  private CaseResult tuned(StudyCase study, CausalLm lm) {
    return CaseResultBuilder.builder()
        .key(study.key())
        .study(study)
        .refusal(refusals(lm, "tuning", corpus.harmfulTuning()))
        .overRefusal(refusals(lm, "tuning, harmless", corpus.harmlessTuning()))
        .accuracy(accuracy(lm, "tuning task", corpus.taskTuning(study.task())))
        .build();
  }

  private CaseResult measured(
      StudyCase study, CausalLm lm, AlignmentSet alignment, Trained trained) {
    AlignmentChoice choice = study.alignment();
    Double refusalKl = refusalKl(study.task(), lm);
    SafetyMeasurements gate = gate(study.task(), lm).measurements().withRefusalKl(refusalKl);
    List<Exchange> inside = exchanges(lm, "fresh", corpus.fresh(choice, false));
    List<Exchange> outside = exchanges(lm, "fresh, outside", corpus.fresh(choice, true));
    List<Exchange> attack =
        exchanges(lm, "attack", corpus.attackPrompts(study.task(), study.attack()));
    List<Exchange> fresh = Stream.of(inside, outside).flatMap(List::stream).toList();
    List<Dialogue> heldOut = corpus.inDistribution(choice);
    List<Integer> left = trained.leftOut();
    return CaseResultBuilder.builder()
        .key(study.key())
        .study(study)
        .refusal(Count.of(gate.refusal()))
        .overRefusal(Count.of(gate.overRefusal()))
        .incoherent(Count.of(gate.incoherent()))
        .accuracy(Count.of(gate.taskAccuracy()))
        .inDistribution(refusals(lm, "in distribution", heldOut))
        .fresh(refused(fresh))
        .freshOutside(outside.isEmpty() ? null : refused(outside))
        .freshComplied(complied(fresh))
        .attack(refused(attack))
        .attackComplied(complied(attack))
        .written(alignment.sound())
        .writtenRefused(alignment.refused())
        .alignmentKl(perToken(lm, first(alignment.examples())))
        .heldOutKl(heldOutKl(study, lm))
        .refusalKl(refusalKl)
        .conflictRatio(conflictRatio(trained.steps()))
        .acted(trained.acted())
        .dropped(left == null ? null : (Integer) left.size())
        .droppedPoison(left == null ? null : (Integer) poisoned(left, study.percent()))
        .dataKept(study.variant() == Variant.START ? null : data.kept(study, lm))
        .inTemplates(study.variant() == Variant.START ? null : data.inTemplates(study, lm))
        .brokenRules(brokenRules(study.task(), gate))
        .build();
  }

  private Evaluated gate(Task task, CausalLm lm) {
    return SafetyEvaluation.evaluate(
        replies(lm),
        new SafetyEvaluation.Prompts(
            model.prompts(corpus.harmful()),
            model.prompts(corpus.harmless()),
            model.prompts(corpus.taskTest(task))),
        JUDGE);
  }

  /** The gate's default thresholds, against the start model. */
  private List<String> brokenRules(Task task, SafetyMeasurements tuned) {
    return GateCheck.rules(Gate.DEFAULT, start(task).measurements(), tuned).stream()
        .filter(rule -> !rule.held())
        .map(GateCheck.Rule::name)
        .toList();
  }

  /** What the start model said, once for all cases of a task. */
  private Evaluated start(Task task) {
    return starts.computeIfAbsent(task, this::started);
  }

  private Evaluated started(Task task) {
    try (CausalLm lm = load(StudyCase.start(task, Attack.PLAIN, AlignmentChoice.BUILTIN))) {
      return gate(task, lm);
    }
  }

  private ModelReplies replies(CausalLm lm) {
    return new ModelReplies(
        lm, model.pretrained().tokenizer(), model.pretrained().endOfSequenceIds());
  }

  private List<Exchange> exchanges(CausalLm lm, String set, List<Dialogue> dialogues) {
    List<EvaluationPrompt> prompts = model.prompts(dialogues);
    List<String> answers = prompts.isEmpty() ? List.of() : replies(lm).to(prompts);
    List<Exchange> exchanges =
        IntStream.range(0, prompts.size())
            .mapToObj(i -> new Exchange(prompts.get(i).text(), answers.get(i)))
            .toList();
    exchanges.forEach(exchange -> transcripts.accept(set, exchange));
    return exchanges;
  }

  private Count refusals(CausalLm lm, String set, List<Dialogue> dialogues) {
    return refused(exchanges(lm, set, dialogues));
  }

  private static Count refused(List<Exchange> exchanges) {
    return count(JUDGE.refusals(exchanges));
  }

  private Count complied(List<Exchange> exchanges) {
    return count(exchanges.stream().map(each -> corpus.complies(each.reply())).toList());
  }

  private Count accuracy(CausalLm lm, String set, List<Dialogue> dialogues) {
    List<Exchange> exchanges = exchanges(lm, set, dialogues);
    return count(
        IntStream.range(0, exchanges.size())
            .mapToObj(
                i -> exchanges.get(i).reply().strip().equals(dialogues.get(i).reply().strip()))
            .toList());
  }

  private static Count count(List<Boolean> answers) {
    return new Count((int) answers.stream().filter(it -> it).count(), answers.size());
  }

  private double heldOutKl(StudyCase study, CausalLm lm) {
    return perToken(lm, model.examples(corpus.inDistribution(study.alignment())));
  }

  /** Null where the start model refuses nothing. */
  private Double refusalKl(Task task, CausalLm lm) {
    List<TokenizedExample> refusals =
        RefusalExamples.of(
            start(task).refusals(),
            model.pretrained().tokenizer(),
            RefusalExamples.LONGEST,
            replies(lm));
    return refusals.isEmpty() ? null : (Double) Divergence.of(lm, refusals, BATCH).perExample();
  }

  private double perToken(CausalLm lm, List<TokenizedExample> examples) {
    return Divergence.of(lm, model.asked(examples), BATCH).perToken();
  }

  private static List<TokenizedExample> first(List<TokenizedExample> examples) {
    return examples.subList(0, Math.min(KL_EXAMPLES, examples.size()));
  }

  private static int poisoned(List<Integer> lines, int percent) {
    Set<Integer> poisoned = StudyCorpus.poisonedLines(percent);
    return (int) lines.stream().filter(poisoned::contains).count();
  }

  private static Double conflictRatio(List<StepMetrics> steps) {
    List<Boolean> compared =
        steps.stream().map(StepMetrics::conflict).filter(Objects::nonNull).toList();
    return compared.isEmpty() ? null : (Double) count(compared).rate();
  }

  /** So that the peak is this case's, of a process that had others before it. */
  private static void forgetPeak() {
    try {
      Files.writeString(Path.of("/proc/self/clear_refs"), "5");
    } catch (IOException e) {
      // Another system than Linux, or one that does not allow it: the peak is that of all so far.
    }
  }

  private static double seconds(long nanoseconds) {
    return Math.round(nanoseconds / 1e8) / 10.0;
  }
}
