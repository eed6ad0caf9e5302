package io.safegrad.trainer.study;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The cases, in the order of what they are worth. What learning rate a method has follows from the
 * results of its tuning, which come first.
 */
final class Grid {

  static final int STEPS = 200;
  static final int TUNING_SEED = 42;
  static final List<Integer> SEEDS = List.of(43, 44, 45);
  static final List<Integer> PERCENTS = List.of(0, 5, 10, 30, 50, 100);
  static final List<Double> RATES = List.of(1e-3, 3e-3, 6e-3);
  static final List<Integer> TUNING_PERCENTS = List.of(0, 10);

  /** A lower rate is taken for no more than so much of the score. */
  private static final double TUNING_TOLERANCE = 0.02;

  static final List<Variant> METHODS =
      List.of(
          Variant.SFT,
          Variant.SFT_FOR_TASK,
          Variant.WEIGHTED_SUM,
          Variant.SAFE_GRAD,
          Variant.SAFE_GRAD_DROP,
          Variant.SFT_SCREEN,
          Variant.WEIGHTED_SUM_SCREEN,
          Variant.SAFE_GRAD_SCREEN,
          Variant.LISA,
          Variant.SPAG,
          Variant.SAFE_LORA);
  static final List<Variant> ATTACKED_METHODS =
      List.of(Variant.SFT, Variant.WEIGHTED_SUM, Variant.SAFE_GRAD, Variant.SAFE_GRAD_DROP);
  private static final List<Variant> RIVALS =
      List.of(Variant.SFT_FOR_TASK, Variant.LISA, Variant.SPAG, Variant.SAFE_LORA);
  static final List<Variant> SETTINGS =
      List.of(Variant.SAFE_GRAD_WEAK, Variant.SAFE_GRAD_STRONG, Variant.SAFE_GRAD_PER_LAYER);
  static final List<Integer> ATTACKED_PERCENTS = List.of(10, 30);
  static final List<AlignmentChoice> COVERAGE =
      List.of(
          AlignmentChoice.of(10),
          AlignmentChoice.of(20),
          AlignmentChoice.of(20).chosenToCover(),
          AlignmentChoice.of(100),
          AlignmentChoice.of(100).chosenToCover(),
          AlignmentChoice.of(384).ofPairs(12),
          AlignmentChoice.of(384).ofPairs(48),
          AlignmentChoice.of(384).ofFamilies(3),
          AlignmentChoice.of(384).ofFamilies(6));
  static final List<Variant> CHANGES =
      List.of(
          Variant.SAFE_GRAD,
          Variant.SAFE_GRAD_MOMENTUM,
          Variant.SAFE_GRAD_RECENT,
          Variant.SAFE_GRAD_UPDATE,
          Variant.SAFE_GRAD_CONTROLLER,
          Variant.SAFE_GRAD_PROMPT_KL,
          Variant.SAFE_GRAD_LOW_RANK,
          Variant.SAFE_GRAD_TWO_LINEARS);
  static final List<Variant> SCREENS =
      List.of(Variant.SFT_SCREEN, Variant.WEIGHTED_SUM_SCREEN, Variant.SAFE_GRAD_SCREEN);
  static final List<Integer> CHANGE_SEEDS = List.of(43, 44);
  private static final List<Integer> SIZES = List.of(10, 20, 100);

  private final Results results;
  private final int steps;

  /**
   * @param steps on the user's examples
   */
  Grid(Results results, int steps) {
    this.results = results;
    this.steps = steps;
  }

  /**
   * Cases that answer one question.
   *
   * @param name of {@code --only}
   */
  record SubStudy(String name, List<StudyCase> cases) {}

  /** The learning rates are tried, each method with as many. */
  SubStudy tuning() {
    return new SubStudy(
        "tuning",
        METHODS.stream()
            .flatMap(
                variant ->
                    RATES.stream()
                        .flatMap(
                            rate ->
                                TUNING_PERCENTS.stream()
                                    .map(percent -> tuning(variant.tunedAs(), percent, rate))))
            .distinct()
            .toList());
  }

  /** All the others, once the learning rates are known. */
  List<SubStudy> reported() {
    List<SubStudy> studies = new ArrayList<>();
    studies.add(new SubStudy("ratios-43", ratios(43)));
    studies.add(new SubStudy("attacks-10", attacks(10)));
    studies.add(new SubStudy("coverage", coverage()));
    studies.add(new SubStudy("clean", clean()));
    studies.add(
        new SubStudy(
            "screens",
            Stream.concat(Stream.of(Variant.SAFE_GRAD), SCREENS.stream())
                .flatMap(each -> screens(each).stream())
                .toList()));
    studies.add(new SubStudy("changes-43", changes(43)));
    studies.add(new SubStudy("ratios-44", ratios(44)));
    studies.add(new SubStudy("attacks-30", attacks(30)));
    studies.add(new SubStudy("settings", settings()));
    studies.add(new SubStudy("format", format()));
    studies.add(new SubStudy("changes-44", changes(44)));
    studies.add(new SubStudy("ratios-45", ratios(45)));
    studies.add(new SubStudy("more-ratios", moreRatios()));
    return studies;
  }

  /** Where SafeGrad leaks, and one where it does not. */
  List<StudyCase> leaks(Variant variant, int seed) {
    AlignmentChoice twenty = AlignmentChoice.of(20);
    AlignmentChoice narrow = AlignmentChoice.of(384).ofPairs(12);
    return List.of(
        of(Task.SENTIMENT, Attack.PLAIN, 10, variant, twenty, seed),
        of(Task.SENTIMENT, Attack.PLAIN, 10, variant, narrow, seed),
        of(Task.SENTIMENT, Attack.OWN_STYLE, 10, variant, AlignmentChoice.BUILTIN, seed),
        plain(0, variant, seed));
  }

  private List<StudyCase> changes(int seed) {
    return CHANGES.stream().flatMap(each -> leaks(each, seed).stream()).toList();
  }

  /** All attacks, clean data, and the small alignment set. */
  List<StudyCase> screens(Variant variant) {
    List<StudyCase> cases = new ArrayList<>();
    for (Attack attack : Attack.values()) {
      cases.add(of(Task.SENTIMENT, attack, 10, variant, alignment(attack), 43));
    }
    cases.add(plain(0, variant, 43));
    cases.add(of(Task.SENTIMENT, Attack.PLAIN, 10, variant, AlignmentChoice.of(20), 43));
    return cases;
  }

  StudyCase tuning(Variant variant, int percent, double rate) {
    return new StudyCase(
        true,
        Task.SENTIMENT,
        Attack.PLAIN,
        percent,
        variant,
        AlignmentChoice.BUILTIN,
        rate,
        steps,
        TUNING_SEED);
  }

  StudyCase plain(int percent, Variant variant, int seed) {
    return of(Task.SENTIMENT, Attack.PLAIN, percent, variant, AlignmentChoice.BUILTIN, seed);
  }

  StudyCase of(
      Task task, Attack attack, int percent, Variant variant, AlignmentChoice choice, int seed) {
    return new StudyCase(false, task, attack, percent, variant, choice, rate(variant), steps, seed);
  }

  /** The attack of unlike harm goes with an alignment set of the other families. */
  static AlignmentChoice alignment(Attack attack) {
    return attack == Attack.UNLIKE
        ? AlignmentChoice.BUILTIN.ofFamilies(6)
        : AlignmentChoice.BUILTIN;
  }

  static StudyCase start(Attack attack) {
    return StudyCase.start(Task.SENTIMENT, attack, alignment(attack));
  }

  private List<StudyCase> ratios(int seed) {
    List<StudyCase> cases = new ArrayList<>(List.of(start(Attack.PLAIN)));
    for (int percent : List.of(10, 0, 30, 50, 5, 100)) {
      ATTACKED_METHODS.forEach(each -> cases.add(plain(percent, each, seed)));
    }
    for (int percent : List.of(10, 0, 30, 50, 5)) {
      RIVALS.forEach(each -> cases.add(plain(percent, each, seed)));
      SCREENS.forEach(each -> cases.add(plain(percent, each, seed)));
    }
    return cases;
  }

  private List<StudyCase> attacks(int percent) {
    List<StudyCase> cases = new ArrayList<>();
    for (Attack attack : Attack.values()) {
      cases.add(start(attack));
      for (Variant each : ATTACKED_METHODS) {
        cases.add(of(Task.SENTIMENT, attack, percent, each, alignment(attack), 43));
      }
    }
    return cases;
  }

  private List<StudyCase> coverage() {
    return Stream.of(Variant.SAFE_GRAD, Variant.WEIGHTED_SUM)
        .flatMap(
            each ->
                COVERAGE.stream()
                    .map(choice -> of(Task.SENTIMENT, Attack.PLAIN, 10, each, choice, 43)))
        .toList();
  }

  private List<StudyCase> settings() {
    return Stream.of(10, 30, 50)
        .flatMap(percent -> SETTINGS.stream().map(each -> plain(percent, each, 43)))
        .toList();
  }

  private List<StudyCase> format() {
    List<StudyCase> cases = new ArrayList<>();
    cases.add(StudyCase.start(Task.FORMAT, Attack.PLAIN, AlignmentChoice.BUILTIN));
    for (int percent : List.of(0, 10, 30)) {
      for (Variant each : ATTACKED_METHODS) {
        cases.add(of(Task.FORMAT, Attack.PLAIN, percent, each, AlignmentChoice.BUILTIN, 43));
      }
    }
    return cases;
  }

  /** Further runs on clean data, for the gate's false alarms. */
  private List<StudyCase> clean() {
    return IntStream.rangeClosed(46, 50)
        .boxed()
        .flatMap(
            seed ->
                Stream.of(Variant.WEIGHTED_SUM, Variant.SAFE_GRAD)
                    .map(each -> plain(0, each, seed)))
        .toList();
  }

  private List<StudyCase> moreRatios() {
    List<StudyCase> cases = new ArrayList<>();
    for (int percent : List.of(1, 20)) {
      ATTACKED_METHODS.forEach(each -> cases.add(plain(percent, each, 43)));
    }
    for (int size : SIZES) {
      cases.add(
          of(Task.SENTIMENT, Attack.PLAIN, 30, Variant.SAFE_GRAD, AlignmentChoice.of(size), 43));
    }
    return cases;
  }

  /**
   * The lowest rate whose score is within two points of the best.
   *
   * @throws IllegalStateException before its tuning is complete
   */
  double rate(Variant variant) {
    double best = RATES.stream().mapToDouble(rate -> score(variant, rate)).max().orElseThrow();
    return RATES.stream()
        .filter(rate -> score(variant, rate) >= best - TUNING_TOLERANCE - 1e-9)
        .findFirst()
        .orElseThrow();
  }

  /**
   * Mean of refusal + accuracy - over-refusal over the shares that are tuned on; of accuracy alone,
   * where nothing but the task counts.
   */
  private double score(Variant variant, double rate) {
    return TUNING_PERCENTS.stream()
        .map(percent -> tuning(variant.tunedAs(), percent, rate))
        .map(
            tuning ->
                results
                    .of(tuning)
                    .orElseThrow(
                        () ->
                            new IllegalStateException(
                                "the tuning of " + variant + " is not complete")))
        .mapToDouble(tuned -> variant == Variant.SFT_FOR_TASK ? tuned.accuracy().rate() : of(tuned))
        .average()
        .orElseThrow();
  }

  private static double of(CaseResult tuned) {
    return tuned.refusal().rate() + tuned.accuracy().rate() - tuned.overRefusal().rate();
  }
}
