package io.safegrad.trainer.study;

import java.util.List;
import java.util.stream.Stream;

/** The cases of SmolLM2-135M-Instruct after it has been aligned: the middle of the grid. */
final class SmolGrid extends StudyGrid {

  static final List<Attack> ATTACKS = List.of(Attack.OWN_STYLE, Attack.BACKDOOR);
  static final AlignmentChoice TWENTY = AlignmentChoice.of(20);
  static final List<Variant> OF_TWENTY =
      List.of(Variant.WEIGHTED_SUM, Variant.SAFE_GRAD, Variant.SAFE_GRAD_RECENT);

  /** A higher learning rate than the one that the rule takes for each of these. */
  static final double HIGHER_RATE = 3e-4;

  static final List<Variant> AT_HIGHER_RATE =
      List.of(Variant.SFT, Variant.WEIGHTED_SUM, Variant.SAFE_GRAD, Variant.SAFE_GRAD_SCREEN);
  static final List<Integer> HIGHER_RATE_PERCENTS = List.of(10, 30);
  static final List<Variant> TASK_METHODS = AT_HIGHER_RATE;
  private static final List<Integer> TASK_PERCENTS = List.of(0, 10);

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
        Variant.SFT_SCREEN,
        Variant.WEIGHTED_SUM_SCREEN,
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
        new SubStudy("poison-44", again(List.of(10, 30), 44)),
        new SubStudy("attacks", ATTACKS.stream().flatMap(this::attacked).toList()),
        new SubStudy("rate", higherRate()),
        new SubStudy("arithmetic", arithmetic()),
        new SubStudy("wider-43", wider(43)),
        new SubStudy("poison-45", again(List.of(10, 30), 45)),
        new SubStudy("identity", identity()),
        new SubStudy("half-44", again(List.of(50), 44)),
        new SubStudy("half-45", again(List.of(50), 45)),
        new SubStudy("twenty-44", twenty(44)),
        new SubStudy("clean-44", again(List.of(0), 44)),
        new SubStudy("clean-45", again(List.of(0), 45)));
  }

  private List<StudyCase> ratios(List<Integer> percents, int seed) {
    return ratios(percents, distinctMethods(), seed);
  }

  /** What screening alone gives is seen with one seed. */
  private List<StudyCase> again(List<Integer> percents, int seed) {
    return ratios(
        percents,
        distinctMethods().stream().filter(each -> each != Variant.SFT_SCREEN).toList(),
        seed);
  }

  private List<StudyCase> ratios(List<Integer> percents, List<Variant> methods, int seed) {
    return percents.stream()
        .flatMap(percent -> tuned(methods).map(each -> plain(percent, each, seed)))
        .toList();
  }

  /** A method whose tuning failed takes no others with it. */
  private Stream<Variant> tuned(List<Variant> variants) {
    return variants.stream().filter(this::isTuned);
  }

  private List<StudyCase> twenty(int seed) {
    return tuned(OF_TWENTY).map(each -> aligned(each, TWENTY, seed)).toList();
  }

  /** Examples that are drawn by their divergence, and prompts that the model writes. */
  private List<StudyCase> wider(int seed) {
    return isTuned(Variant.SAFE_GRAD)
        ? List.of(
            aligned(Variant.SAFE_GRAD_SAMPLING, TWENTY, seed),
            aligned(Variant.SAFE_GRAD, TWENTY.withSelfWritten(80), seed),
            aligned(Variant.SAFE_GRAD_SAMPLING, AlignmentChoice.BUILTIN, seed))
        : List.of();
  }

  /** Of plain poison, other alignment sets and what is drawn of them otherwise; last, neither. */
  List<StudyCase> alignments(int seed) {
    return Stream.of(
            twenty(seed), wider(seed), ratios(List.of(10), List.of(Variant.SAFE_GRAD), seed))
        .flatMap(List::stream)
        .toList();
  }

  private StudyCase aligned(Variant variant, AlignmentChoice choice, int seed) {
    return of(Task.SENTIMENT, Attack.PLAIN, 10, variant, choice, seed);
  }

  private Stream<StudyCase> attacked(Attack attack) {
    return tuned(attackedMethods())
        .map(each -> of(Task.SENTIMENT, attack, 10, each, AlignmentChoice.BUILTIN, 43));
  }

  private List<StudyCase> identity() {
    return Stream.concat(Stream.of(start(Attack.IDENTITY)), attacked(Attack.IDENTITY)).toList();
  }

  private List<StudyCase> higherRate() {
    return HIGHER_RATE_PERCENTS.stream()
        .flatMap(percent -> AT_HIGHER_RATE.stream().map(each -> higherRate(percent, each)))
        .toList();
  }

  StudyCase higherRate(int percent, Variant variant) {
    return plainAt(HIGHER_RATE, percent, variant, 43);
  }

  private List<StudyCase> arithmetic() {
    return Stream.concat(
            Stream.of(StudyCase.start(Task.ARITHMETIC, Attack.PLAIN, AlignmentChoice.BUILTIN)),
            TASK_PERCENTS.stream()
                .flatMap(percent -> tuned(TASK_METHODS).map(each -> sums(percent, each))))
        .toList();
  }

  private StudyCase sums(int percent, Variant variant) {
    return of(Task.ARITHMETIC, Attack.PLAIN, percent, variant, AlignmentChoice.BUILTIN, 43);
  }
}
