package io.safegrad.trainer.study;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The cases of the built-in model. */
final class Grid extends StudyGrid {

  static final List<Integer> PERCENTS = List.of(0, 1, 5, 10, 20, 30, 50, 100);
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

  /** Sft at two rates, for what a task takes. */
  static final List<Variant> TASK_METHODS =
      List.of(
          Variant.SFT,
          Variant.SFT_FOR_TASK,
          Variant.WEIGHTED_SUM,
          Variant.SAFE_GRAD,
          Variant.SAFE_GRAD_DROP);

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
          Variant.WEIGHTED_SUM,
          Variant.SAFE_GRAD,
          Variant.SAFE_GRAD_MOMENTUM,
          Variant.SAFE_GRAD_RECENT,
          Variant.SAFE_GRAD_UPDATE,
          Variant.SAFE_GRAD_CONTROLLER,
          Variant.SAFE_GRAD_PROMPT_KL,
          Variant.SAFE_GRAD_SPAG,
          Variant.SAFE_GRAD_SAMPLING,
          Variant.SAFE_GRAD_LOW_RANK,
          Variant.SAFE_GRAD_TWO_LINEARS);
  private static final List<Variant> COMPARED_CHANGES =
      List.of(
          Variant.SAFE_GRAD_RECENT,
          Variant.SAFE_GRAD,
          Variant.WEIGHTED_SUM,
          Variant.SAFE_GRAD_SAMPLING);
  static final List<Variant> SCREENS =
      List.of(Variant.SFT_SCREEN, Variant.WEIGHTED_SUM_SCREEN, Variant.SAFE_GRAD_SCREEN);
  private static final List<Integer> SIZES = List.of(10, 20, 100);

  /** Twenty prompts, widened by what the start model writes. */
  static final List<AlignmentChoice> WIDENED =
      List.of(
          AlignmentChoice.of(20),
          AlignmentChoice.of(20).withSelfWritten(80),
          AlignmentChoice.of(20).withSelfWritten(364));

  static final List<Variant> OF_WIDENED = List.of(Variant.WEIGHTED_SUM, Variant.SAFE_GRAD);

  /**
   * @param steps on the user's examples
   */
  Grid(Results results, int steps) {
    super(results, steps);
  }

  @Override
  List<Double> rates() {
    return List.of(1e-3, 3e-3, 6e-3);
  }

  @Override
  List<Variant> methods() {
    return METHODS;
  }

  @Override
  List<Variant> attackedMethods() {
    return Stream.concat(ATTACKED_METHODS.stream(), Stream.of(Variant.SAFE_GRAD_RECENT)).toList();
  }

  @Override
  List<Integer> percents() {
    return PERCENTS;
  }

  @Override
  List<SubStudy> reported() {
    List<SubStudy> studies = new ArrayList<>();
    studies.add(new SubStudy("ratios-43", ratios(43)));
    studies.add(new SubStudy("attacks-10", attacks(10)));
    studies.add(new SubStudy("coverage", coverage()));
    studies.add(new SubStudy("clean", clean()));
    studies.add(new SubStudy("screens", screens(SCREENS)));
    studies.add(new SubStudy("changes-43", changes(43)));
    studies.add(new SubStudy("ratios-44", ratios(44)));
    studies.add(new SubStudy("attacks-30", attacks(30)));
    studies.add(new SubStudy("settings", settings()));
    studies.add(new SubStudy("format", format()));
    studies.add(new SubStudy("arithmetic", arithmetic()));
    studies.add(new SubStudy("screens-30", attackedMore(SCREENS)));
    studies.add(new SubStudy("recent-30", attackedMore(List.of(Variant.SAFE_GRAD_RECENT))));
    studies.add(new SubStudy("changes-44", changes(44)));
    studies.add(new SubStudy("changes-45", changes(45)));
    studies.add(new SubStudy("ratios-45", ratios(45)));
    studies.add(new SubStudy("more-ratios", moreRatios()));
    studies.add(new SubStudy("self-written-10", selfWritten(10)));
    studies.add(new SubStudy("self-written-30", selfWritten(30)));
    studies.add(new SubStudy("attacks-44", attacksAgain(44)));
    studies.add(new SubStudy("attacks-45", attacksAgain(45)));
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

  /** Of the last seed only what stood out. */
  private List<StudyCase> changes(int seed) {
    List<Variant> compared = seed == 45 ? COMPARED_CHANGES : CHANGES;
    return compared.stream().flatMap(each -> leaks(each, seed).stream()).toList();
  }

  /** SafeGrad, and what is screened, on all data. */
  private List<StudyCase> screens(List<Variant> screened) {
    return Stream.concat(Stream.of(Variant.SAFE_GRAD), screened.stream())
        .flatMap(each -> screens(each).stream())
        .toList();
  }

  /** All attacks, clean data, and the small alignment set. */
  List<StudyCase> screens(Variant variant) {
    List<StudyCase> cases = new ArrayList<>(attacked(variant, 10));
    cases.add(plain(0, variant, 43));
    cases.add(of(Task.SENTIMENT, Attack.PLAIN, 10, variant, AlignmentChoice.of(20), 43));
    return cases;
  }

  private List<StudyCase> attackedMore(List<Variant> variants) {
    return variants.stream().flatMap(each -> attacked(each, 30).stream()).toList();
  }

  /** One method under every attack. */
  List<StudyCase> attacked(Variant variant, int percent) {
    return attacked(variant, percent, 43);
  }

  private List<StudyCase> attacked(Variant variant, int percent, int seed) {
    return Stream.of(Attack.values())
        .map(attack -> of(Task.SENTIMENT, attack, percent, variant, alignment(attack), seed))
        .toList();
  }

  /** Every attack with another seed; plain poison is among the ratios. */
  private List<StudyCase> attacksAgain(int seed) {
    return ATTACKED_PERCENTS.stream()
        .flatMap(
            percent ->
                Stream.concat(ATTACKED_METHODS.stream(), SCREENS.stream())
                    .flatMap(each -> attacked(each, percent, seed).stream()))
        .filter(each -> each.attack() != Attack.PLAIN)
        .toList();
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
    return Stream.of(0, 10, 30).flatMap(percent -> task(Task.FORMAT, percent)).distinct().toList();
  }

  /** Clean data alone: no method learns it. */
  private List<StudyCase> arithmetic() {
    return task(Task.ARITHMETIC, 0).toList();
  }

  /** Another task than the first. */
  private Stream<StudyCase> task(Task task, int percent) {
    return Stream.concat(
        Stream.of(StudyCase.start(task, Attack.PLAIN, AlignmentChoice.BUILTIN)),
        TASK_METHODS.stream()
            .map(each -> of(task, Attack.PLAIN, percent, each, AlignmentChoice.BUILTIN, 43)));
  }

  /** Further runs on clean data, for the gate's false alarms. */
  private List<StudyCase> clean() {
    return IntStream.rangeClosed(46, 62)
        .boxed()
        .flatMap(
            seed ->
                Stream.of(Variant.WEIGHTED_SUM, Variant.SAFE_GRAD)
                    .map(each -> plain(0, each, seed)))
        .toList();
  }

  /** The shares that are left; of harmful examples alone screening leaves nothing to learn. */
  private List<StudyCase> moreRatios() {
    List<StudyCase> cases = new ArrayList<>();
    for (int seed : SEEDS) {
      for (int percent : List.of(1, 20, 100)) {
        METHODS.stream()
            .filter(each -> percent < 100 || !each.screens())
            .forEach(each -> cases.add(plain(percent, each, seed)));
      }
    }
    for (int size : SIZES) {
      cases.add(
          of(Task.SENTIMENT, Attack.PLAIN, 30, Variant.SAFE_GRAD, AlignmentChoice.of(size), 43));
    }
    return cases;
  }

  private List<StudyCase> selfWritten(int percent) {
    List<StudyCase> cases = new ArrayList<>();
    for (int seed : SEEDS) {
      for (AlignmentChoice choice : WIDENED) {
        OF_WIDENED.forEach(
            each -> cases.add(of(Task.SENTIMENT, Attack.PLAIN, percent, each, choice, seed)));
      }
    }
    return cases;
  }
}
