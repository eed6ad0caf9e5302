package io.safegrad.trainer.bench;

import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * One case over all rounds. CPU times are medians over all steps, memory and start-up medians over
 * the rounds.
 *
 * @param title the case
 * @param referenceCpuSeconds CPU time of the reference's step
 * @param cpuSeconds CPU time of our step
 * @param cpuRatio ours over the reference's
 * @param gemmRatio our step over its bare matrix products
 * @param referenceRssMib peak resident set of the reference's process
 * @param rssMib peak resident set of ours
 * @param rssRatio ours over the reference's
 * @param referenceStartSeconds the reference's wall-clock time from start to first step
 * @param startSeconds ours
 */
record BenchRow(
    String title,
    double referenceCpuSeconds,
    double cpuSeconds,
    double cpuRatio,
    double gemmRatio,
    double referenceRssMib,
    double rssMib,
    double rssRatio,
    double referenceStartSeconds,
    double startSeconds) {

  static BenchRow of(BenchCase benchCase, List<Measured> theirs, List<Measured> ours) {
    double referenceCpu = cpu(theirs);
    double cpu = cpu(ours);
    double referenceRss = over(theirs, Measured::peakRssMib);
    double rss = over(ours, Measured::peakRssMib);
    return new BenchRow(
        benchCase.title,
        referenceCpu,
        cpu,
        cpu / referenceCpu,
        cpu / over(ours, Measured::gemmCpuSeconds),
        referenceRss,
        rss,
        rss / referenceRss,
        over(theirs, Measured::startSeconds),
        over(ours, Measured::startSeconds));
  }

  /** A Markdown table. */
  static String table(List<BenchRow> rows) {
    StringBuilder text =
        new StringBuilder(
            """

            | step | reference CPU s | ours CPU s | ratio | over own GEMMs | reference RSS MiB | ours RSS MiB | ratio | start to first step: reference s | ours s |
            |---|---|---|---|---|---|---|---|---|---|
            """);
    for (BenchRow row : rows) {
      text.append(
          String.format(
              Locale.ROOT,
              "| %s | %.2f | %.2f | **%.2f** | %.2f | %.0f | %.0f | **%.2f** | %.1f | %.1f |%n",
              row.title,
              row.referenceCpuSeconds,
              row.cpuSeconds,
              row.cpuRatio,
              row.gemmRatio,
              row.referenceRssMib,
              row.rssMib,
              row.rssRatio,
              row.referenceStartSeconds,
              row.startSeconds));
    }
    return text.toString();
  }

  static double median(List<Double> values) {
    List<Double> sorted = values.stream().sorted().toList();
    return sorted.get(sorted.size() / 2);
  }

  private static double cpu(List<Measured> rounds) {
    return median(rounds.stream().flatMap(round -> round.cpuSeconds().stream()).toList());
  }

  private static double over(List<Measured> rounds, ToDoubleFunction<Measured> figure) {
    return median(rounds.stream().mapToDouble(figure).boxed().toList());
  }
}
