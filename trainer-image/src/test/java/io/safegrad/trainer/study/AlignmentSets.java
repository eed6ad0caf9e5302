package io.safegrad.trainer.study;

import io.safegrad.trainer.builtin.Dialogue;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.judge.Exchange;
import io.safegrad.trainer.judge.Judge;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.study.SelfWritten.Written;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.stream.Stream;

/** The alignment sets of cases, made of the corpus and of what the start model says and writes. */
final class AlignmentSets {

  private final StudyModel model;
  private final StudyCorpus corpus;
  private final Judge judge;
  private final BiConsumer<String, Exchange> transcripts;
  private final Map<String, Written> written = new HashMap<>();

  AlignmentSets(
      StudyModel model, StudyCorpus corpus, Judge judge, BiConsumer<String, Exchange> transcripts) {
    this.model = model;
    this.corpus = corpus;
    this.judge = judge;
    this.transcripts = transcripts;
  }

  /**
   * A set.
   *
   * @param sound of what the start model wrote; null where it wrote nothing
   * @param refused of that; null likewise
   */
  record AlignmentSet(List<TokenizedExample> examples, Count sound, Count refused) {}

  /** A case's, of the start model. */
  AlignmentSet of(StudyCase study, CausalLm start) {
    AlignmentChoice choice = study.alignment();
    List<Dialogue> given = corpus.alignmentCandidates(choice);
    if (choice.written() > 0) {
      Written own = written(study, start, given);
      return new AlignmentSet(
          model.examples(Stream.of(given, own.refused()).flatMap(List::stream).toList()),
          own.sound(),
          own.refusedOfSound());
    }
    List<TokenizedExample> candidates = model.examples(given);
    return new AlignmentSet(
        choice.covering()
            ? KCenter.choose(start, candidates, choice.size()).stream()
                .map(candidates::get)
                .toList()
            : candidates,
        null,
        null);
  }

  /** Several cases have the same set, and writing takes as long as a training. */
  private Written written(StudyCase study, CausalLm start, List<Dialogue> given) {
    return written.computeIfAbsent(
        study.alignment() + "/" + study.seed(),
        key ->
            new SelfWritten(model, start, judge, transcripts)
                .refusals(given, study.alignment().written(), study.seed()));
  }
}
