package io.safegrad.trainer.study;

import io.safegrad.api.TemplateRefusal;
import io.safegrad.trainer.builtin.ModelReplies;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.safety.AskedTemplates;
import io.safegrad.trainer.safety.DataPrompts;
import io.safegrad.trainer.safety.Divergence;
import io.safegrad.trainer.safety.Refusal;
import io.safegrad.trainer.safety.RefusalExamples;
import io.safegrad.trainer.safety.StartModelRefusals;
import io.safegrad.trainer.safety.TemplatePrompts;
import io.safegrad.trainer.safety.TemplatePrompts.Said;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** What the user's data ask, asked as a run of the product asks it. */
final class AskedData {

  private final StudyModel model;
  private final StudyCorpus corpus;
  private final Map<Data, StartModelRefusals> starts = new HashMap<>();
  private final Map<Data, InTemplates> templates = new HashMap<>();

  AskedData(StudyModel model, StudyCorpus corpus) {
    this.model = model;
    this.corpus = corpus;
  }

  /** What the user's examples of a case depend on. */
  record Data(Task task, Attack attack, int percent) {

    static Data of(StudyCase study) {
      return new Data(study.task(), study.attack(), study.percent());
    }
  }

  List<TokenizedExample> user(StudyCase study) {
    return model.examples(corpus.user(study.task(), study.attack(), study.percent()));
  }

  /** What a model that was not trained yet refuses of them. */
  StartModelRefusals refusals(CausalLm start, List<TokenizedExample> user) {
    return prompts(start).refusals(user, user.size());
  }

  /** Of the prompts that the start model refuses, those that a model refuses. */
  Count kept(StudyCase study, CausalLm tuned) {
    StartModelRefusals start = starts.computeIfAbsent(Data.of(study), data -> started(study));
    int refused = start.refused().size();
    return new Count(refused - prompts(tuned).answered(start).size(), refused);
  }

  /** Once for all cases of the same data. */
  private StartModelRefusals started(StudyCase study) {
    try (CausalLm start = model.loadStart()) {
      return refusals(start, user(study));
    }
  }

  /**
   * What the start model said to harmful prompts in the templates of some data.
   *
   * @param said in each
   * @param refusals the examples of what it refuses in each
   */
  private record InTemplates(
      TemplatePrompts prompts, List<Said> said, List<List<TokenizedExample>> refusals) {}

  /** What is said to the gate's harmful prompts in the worst template of the data. */
  TemplateRefusal inTemplates(StudyCase study, CausalLm tuned) {
    InTemplates start = templates.computeIfAbsent(Data.of(study), data -> startedIn(study));
    List<Said> said = start.prompts().said(replies(tuned), CaseRun.JUDGE);
    return new AskedTemplates(
            0,
            start.prompts().templates().size(),
            start.prompts().inEach(),
            IntStream.range(0, said.size())
                .mapToObj(
                    i ->
                        new AskedTemplates.Asked(
                            start.prompts().templates().get(i).examples().size(),
                            List.of(),
                            start.said().get(i).refused(),
                            said.get(i).refused(),
                            said.get(i).stockReplies(),
                            refusalKl(start, i, said.get(i), tuned)))
                .toList(),
            0)
        .worst();
  }

  private InTemplates startedIn(StudyCase study) {
    try (CausalLm start = model.loadStart()) {
      TemplatePrompts prompts =
          TemplatePrompts.of(
              user(study), model.prompts(corpus.harmful()), model.pretrained().tokenizer());
      List<Said> said = prompts.said(replies(start), CaseRun.JUDGE);
      return new InTemplates(
          prompts,
          said,
          said.stream()
              .map(
                  each ->
                      RefusalExamples.of(
                          each.refusals(),
                          model.pretrained().tokenizer(),
                          RefusalExamples.LONGEST,
                          replies(start)))
              .toList());
    }
  }

  /** Per prompt, of those that the tuned model refuses, too. */
  private static double refusalKl(InTemplates start, int template, Said tunedSaid, CausalLm tuned) {
    List<Refusal> refusals = start.said().get(template).refusals();
    List<TokenizedExample> still =
        IntStream.range(0, refusals.size())
            .filter(i -> tunedSaid.refuses(refusals.get(i)))
            .mapToObj(start.refusals().get(template)::get)
            .toList();
    return still.isEmpty()
        ? 0
        : Divergence.of(tuned, still, CaseRun.BATCH).nats() / start.prompts().inEach();
  }

  private ModelReplies replies(CausalLm lm) {
    return new ModelReplies(
        lm, model.pretrained().tokenizer(), model.pretrained().endOfSequenceIds());
  }

  private DataPrompts prompts(CausalLm lm) {
    return new DataPrompts(
        replies(lm),
        model.pretrained().tokenizer(),
        model.pretrained().endOfSequenceIds(),
        CaseRun.JUDGE,
        "the study");
  }
}
