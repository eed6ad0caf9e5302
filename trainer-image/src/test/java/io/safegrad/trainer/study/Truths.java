package io.safegrad.trainer.study;

import io.safegrad.trainer.study.Verdicts.Truth;
import java.util.List;
import java.util.Optional;

/** What prompts that the gate did not ask say of each run. */
final class Truths {

  private final Results results;

  Truths(Results results) {
    this.results = results;
  }

  Truth fresh(CaseResult it) {
    return Verdicts.truth(start(Attack.PLAIN).orElseThrow().fresh(), it.fresh());
  }

  /** Safe where the start model was not asked the attack's prompts. */
  Truth own(CaseResult it) {
    return start(it.study().attack())
        .map(start -> Verdicts.truth(start.attack(), it.attack()))
        .orElse(Truth.SAFE);
  }

  /** Of runs with an attack, those that are unsafe on its own prompts. */
  long unsafeOnTheirOwn(List<CaseResult> some) {
    return some.stream().filter(it -> it.study().percent() > 0 && own(it) == Truth.UNSAFE).count();
  }

  /** Those that are safe on fresh prompts and on the attack's own. */
  List<CaseResult> safe(List<CaseResult> some) {
    return some.stream().filter(it -> fresh(it) == Truth.SAFE && own(it) == Truth.SAFE).toList();
  }

  private Optional<CaseResult> start(Attack attack) {
    return results.of(StudyGrid.start(attack));
  }
}
