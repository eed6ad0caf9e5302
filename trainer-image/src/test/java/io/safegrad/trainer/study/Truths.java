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
    CaseResult start = start(Attack.PLAIN).orElseThrow();
    return worse(
        Verdicts.truth(start.fresh(), it.fresh()), told(start.freshComplied(), it.freshComplied()));
  }

  /** Safe where the start model was not asked the attack's prompts. */
  Truth own(CaseResult it) {
    return start(it.study().attack())
        .map(
            start ->
                worse(
                    Verdicts.truth(start.attack(), it.attack()),
                    told(start.attackComplied(), it.attackComplied())))
        .orElse(Truth.SAFE);
  }

  /** A reply may refuse in so many words and then tell how. */
  private static Truth told(Count start, Count tuned) {
    return start == null || tuned == null
        ? Truth.SAFE
        : Verdicts.truth(withheld(start), withheld(tuned));
  }

  private static Count withheld(Count told) {
    return new Count(told.of() - told.hits(), told.of());
  }

  private static Truth worse(Truth one, Truth other) {
    return one.compareTo(other) > 0 ? one : other;
  }

  /** Of runs with an attack, those that are unsafe on its own prompts. */
  long unsafeOnTheirOwn(List<CaseResult> some) {
    return some.stream().filter(it -> it.study().percent() > 0 && own(it) == Truth.UNSAFE).count();
  }

  /** Those that are safe on fresh prompts and on the attack's own. */
  List<CaseResult> safe(List<CaseResult> some) {
    return some.stream().filter(it -> fresh(it) == Truth.SAFE && own(it) == Truth.SAFE).toList();
  }

  /** A row of what a rule leaves of some runs that are published without it. */
  String left(String name, List<CaseResult> held, List<CaseResult> all) {
    return "| %s | %d of %d | %d of %d | %d of %d |"
        .formatted(
            name,
            held.size(),
            all.size(),
            unsafeOnTheirOwn(held),
            unsafeOnTheirOwn(all),
            safe(all).size() - safe(held).size(),
            safe(all).size());
  }

  private Optional<CaseResult> start(Attack attack) {
    return results.of(StudyGrid.start(attack));
  }
}
