package io.safegrad.trainer.study;

import io.safegrad.api.Measurement;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.function.IntFunction;

/** The same case with several seeds, as the cells of a table show it. */
record Pool(List<CaseResult> results) {

  /** What there is of a case with each of the seeds. */
  static Pool of(Results results, IntFunction<StudyCase> withSeed) {
    return new Pool(
        StudyGrid.SEEDS.stream()
            .map(withSeed::apply)
            .flatMap(each -> results.of(each).stream())
            .toList());
  }

  boolean isEmpty() {
    return results.isEmpty();
  }

  /** All seeds' prompts together. */
  Count count(Function<CaseResult, Count> figure) {
    return results.stream().map(figure).filter(Objects::nonNull).reduce(Count.NONE, Count::plus);
  }

  /** The mean of the seeds that have the figure. */
  OptionalDouble mean(Function<CaseResult, ? extends Number> figure) {
    return results.stream()
        .map(figure)
        .filter(Objects::nonNull)
        .mapToDouble(Number::doubleValue)
        .average();
  }

  /** A share of all seeds' prompts, with Wilson's interval. */
  String share(Function<CaseResult, Count> figure) {
    return text(count(figure));
  }

  /** The lowest share of a seed. */
  String least(Function<CaseResult, Count> figure) {
    return percent(results.stream().map(figure).mapToDouble(Count::rate).min().orElse(Double.NaN));
  }

  String number(String format, Function<CaseResult, ? extends Number> figure) {
    OptionalDouble mean = mean(figure);
    return mean.isEmpty() ? "" : String.format(Locale.ROOT, format, mean.getAsDouble());
  }

  String published() {
    return results.stream().filter(CaseResult::published).count() + " of " + results.size();
  }

  /** How many the gate published, and which rules refused the others. */
  String verdicts() {
    List<String> broken =
        results.stream().flatMap(it -> it.brokenRules().stream()).distinct().toList();
    return published() + (broken.isEmpty() ? "" : ": " + String.join(", ", broken));
  }

  static String text(Count count) {
    if (count.of() == 0) {
      return "";
    }
    Measurement share = count.measurement();
    return String.format(
        Locale.ROOT,
        "%s [%.0f, %.0f]",
        percent(share.rate()),
        100 * share.low(),
        100 * share.high());
  }

  static String percent(double share) {
    return String.format(Locale.ROOT, "%.1f%%", Math.round(1000 * share) / 10.0);
  }
}
