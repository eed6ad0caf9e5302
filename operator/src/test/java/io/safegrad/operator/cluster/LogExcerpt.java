package io.safegrad.operator.cluster;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** What the operator printed while something was broken. */
final class LogExcerpt {

  private static final Pattern LINE =
      Pattern.compile("\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d,\\d{3} (\\w+) +(.*)");

  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final OperatorProcess operator;
  private final int begin;

  private LogExcerpt(OperatorProcess operator) {
    this.operator = operator;
    this.begin = operator.logLines().size();
  }

  /** All that is printed from now on. */
  static LogExcerpt begin(Cluster cluster) {
    return new LogExcerpt(cluster.operator());
  }

  List<String> lines() {
    List<String> all = operator.logLines();
    return all.subList(begin, all.size());
  }

  /** The lines that a pattern is found in, without their times. */
  List<String> matching(String pattern) {
    Pattern sought = Pattern.compile(pattern);
    return lines().stream()
        .filter(line -> sought.matcher(line).find())
        .map(line -> LINE.matcher(line).replaceFirst("$1 $2"))
        .toList();
  }

  /**
   * The same, once there are so many; a status is there before its line. Waits for 10 s at most.
   */
  List<String> awaitMatching(String pattern, int lines) throws InterruptedException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (matching(pattern).size() < lines && System.nanoTime() < deadline) {
      Thread.sleep(100);
    }
    return matching(pattern);
  }

  /** What no log should have: lines that are no message, such as a stack trace's. */
  List<String> stray() {
    return lines().stream().filter(line -> !LINE.matcher(line).matches()).toList();
  }

  /** Warnings and errors that are not about one run; these clusters have no admission policies. */
  List<String> alarms(Batch batch) {
    List<String> found = new ArrayList<>(matching("^\\S+ \\S+ (WARN|ERROR)"));
    found.removeIf(line -> line.contains(batch.namespace() + "/") || line.contains(" Admission "));
    return found;
  }
}
