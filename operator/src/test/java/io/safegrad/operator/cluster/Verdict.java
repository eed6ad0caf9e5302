package io.safegrad.operator.cluster;

import io.safegrad.api.v1alpha1.Phase;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * How a class of failure went.
 *
 * @param broken what was broken, and how often
 * @param runs how many runs there were
 * @param phases how they ended
 * @param writesPerRun the operator's writes to the API server
 * @param explained the operator's own line about it
 * @param wrong what is not as it must be; empty when all is well
 */
record Verdict(
    String broken,
    int runs,
    Map<Phase, Integer> phases,
    double writesPerRun,
    String explained,
    List<String> wrong) {

  /** The newest operator may print as much beyond its lines about runs. */
  private static final int MOST_ALARMS = 6;

  /**
   * Judges what is left.
   *
   * @param explanation found in each of the operator's lines that explain an incident
   * @param incidents how many there were
   */
  static Verdict of(
      String broken,
      Cluster cluster,
      Batch batch,
      LogExcerpt log,
      String explanation,
      int incidents)
      throws IOException, InterruptedException {
    return of(broken, cluster, batch, log, explanation, incidents, incidents);
  }

  /**
   * The same where how often an incident is told is a matter of chance.
   *
   * @param least how many lines must explain it
   * @param most how many may
   */
  static Verdict of(
      String broken,
      Cluster cluster,
      Batch batch,
      LogExcerpt log,
      String explanation,
      int least,
      int most)
      throws IOException, InterruptedException {
    Aftermath left = Aftermath.of(cluster, batch);
    List<String> wrong = new ArrayList<>(left.wrong());
    List<String> explained = log.awaitMatching(explanation, least);
    if (explained.size() < least || explained.size() > most) {
      wrong.add(
          "%d lines of the operator's log explain %d to %d incidents: %s"
              .formatted(explained.size(), least, most, explained));
    }
    List<String> stray = log.stray();
    if (!stray.isEmpty()) {
      wrong.add("%d lines that are no message, e.g. %s".formatted(stray.size(), stray.get(0)));
    }
    List<String> alarms = log.alarms(batch);
    if (alarms.size() > MOST_ALARMS) {
      wrong.add("%d warnings, e.g. %s".formatted(alarms.size(), alarms.subList(0, 3)));
    }
    long told =
        log.matching(
                "WARN +" + Pattern.quote(batch.namespace()) + "/.*(ApiServerError|was not written)")
            .size();
    // An API server that starts may answer a run before it knows anybody's rights.
    if (told > batch.endings().size()) {
      wrong.add(told + " warnings of single runs about what concerns them all");
    }
    return new Verdict(
        broken,
        batch.endings().size(),
        left.phases(),
        left.writesPerRun(),
        explained.isEmpty() ? "" : explained.get(0),
        wrong);
  }

  /** The same with one more thing that is wrong. */
  Verdict with(String fault) {
    List<String> all = new ArrayList<>(wrong);
    all.add(fault);
    return new Verdict(broken, runs, phases, writesPerRun, explained, all);
  }

  /** One line, and one more for each thing that is wrong. */
  String told() {
    String line =
        String.format(
            Locale.ROOT,
            "%s: %s. %d runs: %s; %.1f writes each. Log: %s",
            broken,
            wrong.isEmpty() ? "ok" : "WRONG",
            runs,
            phases.entrySet().stream()
                .map(one -> one.getValue() + " " + one.getKey())
                .collect(Collectors.joining(", ")),
            writesPerRun,
            explained);
    return wrong.stream().map(one -> "\n    " + one).collect(Collectors.joining("", line, ""));
  }
}
