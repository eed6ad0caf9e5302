package io.safegrad.trainer.study;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The cases of SmolLM2-135M-Instruct after it has been aligned: the middle of the grid. */
final class SmolGrid extends StudyGrid {

  static final List<Attack> ATTACKS = List.of(Attack.OWN_STYLE, Attack.BACKDOOR);
  static final AlignmentChoice TWENTY = AlignmentChoice.of(20);
  static final List<Variant> OF_TWENTY =
      List.of(Variant.WEIGHTED_SUM, Variant.SAFE_GRAD, Variant.SAFE_GRAD_RECENT);

  private static final List<Variant> ONLY_AGAINST_PLAIN_POISON =
      List.of(Variant.SFT_FOR_TASK, Variant.LISA, Variant.SPAG);

  /**
   * @param steps on the user's examples
   */
  SmolGrid(Results results, int steps) {
    super(results, steps);
  }

  @Override
  List<Double> rates() {
    return List.of(1e-4, 3e-4, 1e-3);
  }

  @Override
  List<Variant> methods() {
    return List.of(
        Variant.SFT,
        Variant.SFT_FOR_TASK,
        Variant.WEIGHTED_SUM,
        Variant.SAFE_GRAD,
        Variant.SAFE_GRAD_DROP,
        Variant.SAFE_GRAD_SCREEN,
        Variant.LISA,
        Variant.SPAG);
  }

  @Override
  List<Variant> attackedMethods() {
    return methods().stream().filter(each -> !ONLY_AGAINST_PLAIN_POISON.contains(each)).toList();
  }

  @Override
  List<Integer> percents() {
    return List.of(0, 10, 30, 50);
  }

  @Override
  List<SubStudy> untuned() {
    return List.of(
        new SubStudy(
            "start",
            Stream.concat(Stream.of(Attack.PLAIN), ATTACKS.stream())
                .map(StudyGrid::start)
                .toList()),
        tuning());
  }

  @Override
  List<SubStudy> reported() {
    return List.of(
        new SubStudy("middle-43", ratios(List.of(10, 0), 43)),
        new SubStudy("twenty-43", twenty(43)),
        new SubStudy("rest-43", ratios(List.of(30, 50), 43)),
        new SubStudy("middle-44", ratios(List.of(10, 0), 44)),
        new SubStudy("attacks", attacks()),
        new SubStudy("rest-44", ratios(List.of(30, 50), 44)),
        new SubStudy("twenty-44", twenty(44)),
        new SubStudy("middle-45", ratios(List.of(10, 0), 45)),
        new SubStudy("rest-45", ratios(List.of(30, 50), 45)));
  }

  private List<StudyCase> ratios(List<Integer> percents, int seed) {
    List<StudyCase> cases = new ArrayList<>();
    for (int percent : percents) {
      tuned(methods()).forEach(each -> cases.add(plain(percent, each, seed)));
    }
    return cases;
  }

  /** A method whose tuning failed takes no others with it. */
  private Stream<Variant> tuned(List<Variant> variants) {
    return variants.stream().filter(this::isTuned);
  }

  private List<StudyCase> twenty(int seed) {
    return tuned(OF_TWENTY).map(each -> twenty(each, seed)).toList();
  }

  /** With no more than twenty alignment prompts. */
  StudyCase twenty(Variant variant, int seed) {
    return of(Task.SENTIMENT, Attack.PLAIN, 10, variant, TWENTY, seed);
  }

  private List<StudyCase> attacks() {
    return ATTACKS.stream()
        .flatMap(
            attack ->
                tuned(attackedMethods())
                    .map(each -> of(Task.SENTIMENT, attack, 10, each, AlignmentChoice.BUILTIN, 43)))
        .toList();
  }
}
