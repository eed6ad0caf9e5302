package io.safegrad.trainer.run;

import io.safegrad.api.TrainingPlan;
import io.safegrad.api.v1alpha1.Alignment;
import io.safegrad.api.v1alpha1.DataSource;
import io.safegrad.api.v1alpha1.Dataset;
import io.safegrad.api.v1alpha1.Evaluation;
import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Model;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.data.EvaluationPrompt;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.data.TrainingExamples;
import io.safegrad.trainer.data.ValidationSplit;
import io.safegrad.trainer.judge.ClassifierJudge;
import io.safegrad.trainer.judge.Judge;
import io.safegrad.trainer.judge.JudgeFactory;
import io.safegrad.trainer.model.ModelConfig;
import io.safegrad.trainer.report.RunJournal;
import io.safegrad.trainer.source.Source;
import io.safegrad.trainer.source.SourceResolver;
import io.safegrad.trainer.source.SourceSpec;
import io.safegrad.trainer.weights.PretrainedModel;
import io.soabase.recordbuilder.core.RecordBuilder;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All that a run reads, found, checked and in the model's tokens.
 *
 * @param opened what {@link #close} closes
 * @param model where the start model was found
 * @param pretrained the start model's files
 * @param base the model that Safe LoRA compares with; null for another method
 * @param config the start model's architecture
 * @param dataset where the user's examples were found
 * @param user examples to learn from
 * @param validation the user's examples that are held back; may be empty
 * @param alignment examples that keep the alignment, or that conflicts are measured with in any
 *     case; empty where there is neither
 * @param heldOutAlignment alignment examples that are only measured; may be empty
 * @param spareAlignment the alignment set of a run that uses it only if the gate refuses, to find
 *     out which examples did it; null for a run that uses it anyway, names none, or cannot
 * @param additionalAlignment the user's own further ones; empty for a method without a weight
 * @param judge tells which replies refuse; null where nobody is judged
 * @param harmful prompts that an aligned model refuses
 * @param harmless prompts that it answers
 * @param additionalHarmful the user's own further harmful prompts; may be empty
 * @param additionalHarmless the user's own further harmless prompts; may be empty
 * @param task held-out prompts of the user's task, each with its reply; may be empty
 */
@RecordBuilder
record RunInputs(
    List<Closeable> opened,
    Source model,
    PretrainedModel pretrained,
    PretrainedModel base,
    ModelConfig config,
    Source dataset,
    List<TokenizedExample> user,
    List<TokenizedExample> validation,
    List<TokenizedExample> alignment,
    List<TokenizedExample> heldOutAlignment,
    InputReader.Spare spareAlignment,
    List<TokenizedExample> additionalAlignment,
    Judge judge,
    List<EvaluationPrompt> harmful,
    List<EvaluationPrompt> harmless,
    List<EvaluationPrompt> additionalHarmful,
    List<EvaluationPrompt> additionalHarmless,
    List<EvaluationPrompt> task)
    implements Closeable {

  private static final Logger LOG = LoggerFactory.getLogger(RunInputs.class);

  /**
   * Finds and checks everything, the model's weights excepted.
   *
   * @param judges makes the judge; null where nobody is judged
   * @param workspace where files are made that last as long as this
   * @throws TrainerException naming the field, file or line that cannot be used
   */
  static RunInputs read(
      TrainingPlan plan,
      SourceResolver resolver,
      JudgeFactory judges,
      Path workspace,
      RunJournal journal) {
    Model model = plan.model();
    Source source =
        resolver.resolve(
            new SourceSpec("model.source", model.source(), model.revision(), model.digest()));
    PretrainedModel pretrained = PretrainedModel.open(source.path(), ModelConfig::of);
    List<Closeable> opened = new ArrayList<>(List.of(pretrained));
    try {
      ModelConfig config = ModelConfig.of(pretrained.config());
      journal.readModel(source);
      PretrainedModel base = base(plan, resolver, journal, opened);
      InputReader reader = new InputReader(resolver, workspace, opened, pretrained, journal);
      int maxLength = plan.training().maxLength();
      Alignment alignment = plan.safety().alignment();
      Evaluation evaluation = plan.safety().evaluation();
      Dataset dataset = plan.dataset();
      TrainingExamples.Rules alignmentRules =
          new TrainingExamples.Rules(null, Dataset.TrainOn.LastTurn, maxLength);
      SourceSpec datasetSpec =
          new SourceSpec("dataset.source", dataset.source(), dataset.revision(), dataset.digest());
      Source datasetSource = resolver.resolve(datasetSpec);
      ValidationSplit user =
          ValidationSplit.of(
              reader.examples(
                  datasetSpec,
                  datasetSource,
                  new TrainingExamples.Rules(
                      dataset.format(), dataset.trainOn(), maxLength, dataset.truncation())),
              dataset.validationFraction(),
              plan.training().seed());
      boolean holdsOut = alignment.heldOutFraction() != null && alignment.heldOutFraction() > 0;
      boolean reads = plan.method().name().readsAlignmentSet() || attributes(plan, holdsOut);
      SourceSpec alignmentSpec =
          new SourceSpec(
              "safety.alignment.source",
              alignment.source(),
              alignment.revision(),
              alignment.digest());
      ValidationSplit aligned =
          reads || holdsOut
              ? ValidationSplit.of(
                  "safety.alignment.heldOutFraction",
                  reader.examples(alignmentSpec, alignmentRules),
                  alignment.heldOutFraction(),
                  plan.training().seed())
              : new ValidationSplit(List.of(), List.of());
      return new RunInputs(
          opened,
          source,
          pretrained,
          base,
          config,
          datasetSource,
          user.training(),
          user.validation(),
          reads ? aligned.training() : List.of(),
          aligned.validation(),
          reads || holdsOut || plan.safety().attribution().worstExamples() == 0
              ? null
              : reader.spare(alignmentSpec, alignmentRules),
          plan.method().name().hasAlignmentWeight()
              ? each(
                  "safety.alignment.additional",
                  alignment.additional(),
                  spec -> reader.examples(spec, alignmentRules))
              : List.of(),
          judge(evaluation, judges, journal),
          reader.prompts(
              new SourceSpec(
                  "safety.evaluation.harmful",
                  evaluation.harmful(),
                  null,
                  evaluation.harmfulDigest())),
          reader.prompts(
              new SourceSpec(
                  "safety.evaluation.harmless",
                  evaluation.harmless(),
                  null,
                  evaluation.harmlessDigest())),
          each(
              "safety.evaluation.additionalHarmful",
              evaluation.additionalHarmful(),
              reader::prompts),
          each(
              "safety.evaluation.additionalHarmless",
              evaluation.additionalHarmless(),
              reader::prompts),
          evaluation.task() == null
              ? List.of()
              : reader.task("safety.evaluation.task", evaluation.task()));
    } catch (RuntimeException e) {
      close(opened);
      throw e;
    }
  }

  /**
   * Whether conflicts with the alignment set are measured in any case, of a method that does not
   * train on it: so it is where somebody chose the set.
   */
  private static boolean attributes(TrainingPlan plan, boolean holdsOut) {
    String source = plan.safety().alignment().source();
    return plan.safety().attribution().worstExamples() > 0
        && (holdsOut || !source.equals(Alignment.DEFAULT.source()));
  }

  /** The same with other examples to learn, and other alignment examples of the user's own. */
  RunInputs learning(List<TokenizedExample> learned, List<TokenizedExample> own) {
    return RunInputsBuilder.builder(this).user(learned).additionalAlignment(own).build();
  }

  /** How many replies each evaluation has judged. */
  int judgedPrompts() {
    return harmful.size() + harmless.size() + additionalHarmful.size() + additionalHarmless.size();
  }

  private static Judge judge(Evaluation evaluation, JudgeFactory judges, RunJournal journal) {
    if (judges == null) {
      return null;
    }
    Judge judge = judges.make(evaluation.judge());
    if (judge instanceof ClassifierJudge classifier) {
      journal.readModel(classifier.source());
    }
    journal.readJudge(judge.identity());
    return judge;
  }

  private static PretrainedModel base(
      TrainingPlan plan, SourceResolver resolver, RunJournal journal, List<Closeable> opened) {
    if (plan.method().safeLora() == null) {
      return null;
    }
    Method.BaseModel model = plan.method().safeLora().baseModel();
    Source source =
        resolver.resolve(
            new SourceSpec(
                "method.safeLora.baseModel.source",
                model.source(),
                model.revision(),
                model.digest()));
    PretrainedModel base = PretrainedModel.open(source.path(), ModelConfig::of);
    opened.add(base);
    journal.readModel(source);
    return base;
  }

  /**
   * The records of several files, one after the other.
   *
   * @param sources null for none
   */
  private static <T> List<T> each(
      String field, List<DataSource> sources, Function<SourceSpec, List<T>> reader) {
    List<List<T>> files = new ArrayList<>();
    for (int i = 0; sources != null && i < sources.size(); i++) {
      DataSource one = sources.get(i);
      files.add(
          reader.apply(
              new SourceSpec(
                  "%s[%d].source".formatted(field, i),
                  one.source(),
                  one.revision(),
                  one.digest())));
    }
    return files.size() == 1 ? files.get(0) : files.stream().flatMap(List::stream).toList();
  }

  @Override
  public void close() {
    close(opened);
  }

  private static void close(List<Closeable> opened) {
    for (Closeable each : opened) {
      try {
        each.close();
      } catch (IOException e) {
        LOG.warn("a file that was read cannot be closed", e);
      }
    }
  }
}
