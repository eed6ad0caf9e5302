package io.safegrad.trainer.study;

import io.safegrad.trainer.builtin.ModelReplies;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.safety.DataPrompts;
import io.safegrad.trainer.safety.StartModelRefusals;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What the user's data ask, asked as a run of the product asks it. */
final class AskedData {

  private final StudyModel model;
  private final StudyCorpus corpus;
  private final Map<Data, StartModelRefusals> starts = new HashMap<>();

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

  private DataPrompts prompts(CausalLm lm) {
    return new DataPrompts(
        new ModelReplies(lm, model.pretrained().tokenizer(), model.pretrained().endOfSequenceIds()),
        model.pretrained().tokenizer(),
        model.pretrained().endOfSequenceIds(),
        CaseRun.JUDGE,
        "the study");
  }
}
