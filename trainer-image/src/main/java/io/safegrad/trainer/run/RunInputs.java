package io.safegrad.trainer.run;

import io.safegrad.api.ExitReason;
import io.safegrad.api.TrainingPlan;
import io.safegrad.api.v1alpha1.Alignment;
import io.safegrad.api.v1alpha1.Evaluation;
import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Model;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.data.EvaluationPrompt;
import io.safegrad.trainer.data.EvaluationPrompts;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.data.TrainingExamples;
import io.safegrad.trainer.model.ModelConfig;
import io.safegrad.trainer.report.RunJournal;
import io.safegrad.trainer.source.Source;
import io.safegrad.trainer.source.SourceResolver;
import io.safegrad.trainer.source.SourceSpec;
import io.safegrad.trainer.weights.PretrainedModel;
import java.io.Closeable;
import java.util.List;

/**
 * All that a run reads, found, checked and in the model's tokens.
 *
 * @param model where the start model was found
 * @param pretrained the start model's files
 * @param config the start model's architecture
 * @param user examples to learn from
 * @param alignment examples that span the alignment gradient; empty for the method Sft
 * @param harmful prompts that an aligned model refuses
 * @param harmless prompts that it answers
 * @param task held-out prompts of the user's task, each with its reply; may be empty
 */
record RunInputs(
    Source model,
    PretrainedModel pretrained,
    ModelConfig config,
    List<TokenizedExample> user,
    List<TokenizedExample> alignment,
    List<EvaluationPrompt> harmful,
    List<EvaluationPrompt> harmless,
    List<EvaluationPrompt> task)
    implements Closeable {

  /**
   * Finds and checks everything, the model's weights excepted.
   *
   * @throws TrainerException naming the field, file or line that cannot be used
   */
  static RunInputs read(TrainingPlan plan, SourceResolver resolver, RunJournal journal) {
    Model model = plan.model();
    Source source =
        resolver.resolve(
            new SourceSpec("model.source", model.source(), model.revision(), model.digest()));
    PretrainedModel pretrained = PretrainedModel.open(source.path());
    try {
      ModelConfig config = ModelConfig.of(pretrained.config());
      journal.read(source, null);
      Reader reader = new Reader(resolver, pretrained, plan.training().maxLength(), journal);
      Alignment alignment = plan.safety().alignment();
      Evaluation evaluation = plan.safety().evaluation();
      return new RunInputs(
          source,
          pretrained,
          config,
          reader.examples(
              new SourceSpec(
                  "dataset.source",
                  plan.dataset().source(),
                  plan.dataset().revision(),
                  plan.dataset().digest())),
          plan.method().name() == Method.Name.Sft
              ? List.of()
              : reader.examples(
                  new SourceSpec(
                      "safety.alignment.source",
                      alignment.source(),
                      alignment.revision(),
                      alignment.digest())),
          reader.prompts("safety.evaluation.harmful", evaluation.harmful()),
          reader.prompts("safety.evaluation.harmless", evaluation.harmless()),
          evaluation.task() == null
              ? List.of()
              : reader.task("safety.evaluation.task", evaluation.task()));
    } catch (RuntimeException e) {
      pretrained.close();
      throw e;
    }
  }

  @Override
  public void close() {
    pretrained.close();
  }

  private record Reader(
      SourceResolver resolver, PretrainedModel pretrained, int maxLength, RunJournal journal) {

    List<TokenizedExample> examples(SourceSpec spec) {
      Source source = resolver.resolve(spec);
      List<TokenizedExample> examples =
          TrainingExamples.read(
              source.path(),
              spec.shownUri(),
              pretrained.tokenizer(),
              pretrained.chatTemplate(),
              maxLength);
      journal.read(source, examples.size());
      return examples;
    }

    List<EvaluationPrompt> prompts(String field, String uri) {
      Source source = resolver.resolve(SourceSpec.unpinned(field, uri));
      List<EvaluationPrompt> prompts =
          EvaluationPrompts.read(
              source.path(), uri, pretrained.tokenizer(), pretrained.chatTemplate());
      journal.read(source, prompts.size());
      return prompts;
    }

    List<EvaluationPrompt> task(String field, String uri) {
      List<EvaluationPrompt> prompts = prompts(field, uri);
      for (EvaluationPrompt prompt : prompts) {
        if (prompt.expected() == null) {
          throw new TrainerException(
              ExitReason.BAD_DATA,
              "%s:%d: expected a reply to compare with: the field completion, or an assistant's last turn"
                  .formatted(uri, prompt.line()));
        }
      }
      return prompts;
    }
  }
}
