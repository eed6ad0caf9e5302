package io.safegrad.trainer.study;

import io.safegrad.trainer.study.StudyGrid.SubStudy;
import io.safegrad.trainer.telemetry.Rates;
import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/** Runs the cases that have no result yet, alone or shared out among processes. */
final class OpenCases {

  private static final long POLL_MILLIS = 1000;

  private final Function<StudyCase, CaseResult> cases;
  private final Share share;
  private final double minutes;
  private final PrintStream out;
  private final long begin = System.nanoTime();

  /**
   * @param cases runs one
   * @param share null for a process that is alone
   * @param minutes no case begins after so many
   */
  OpenCases(Function<StudyCase, CaseResult> cases, Share share, double minutes, PrintStream out) {
    this.cases = cases;
    this.share = share;
    this.minutes = minutes;
    this.out = out;
  }

  /** Runs those that are not in the results, as long as there is time. */
  void run(Results results, List<SubStudy> studies) throws IOException {
    long start = System.nanoTime();
    int done = 0;
    for (SubStudy study : studies) {
      for (StudyCase each : study.cases()) {
        if (isOver()) {
          return;
        }
        if (!isOpen(results, each)) {
          continue;
        }
        CaseResult result;
        if (share == null) {
          result = cases.apply(each);
          results.add(result);
        } else {
          try {
            result = cases.apply(each);
          } catch (RuntimeException e) {
            // A GPU may be of no more use to this process.
            share.fail(each, e);
            throw e;
          }
          share.leave(result);
          results.adopt(result);
        }
        done++;
        progress(study, result, open(results, studies), (System.nanoTime() - start) / 1e9 / done);
      }
    }
  }

  private boolean isOver() {
    return (System.nanoTime() - begin) / 60e9 > minutes;
  }

  /** Whether a case is this process's to run. */
  private boolean isOpen(Results results, StudyCase each) throws IOException {
    if (results.of(each).isPresent()) {
      return false;
    }
    if (share == null) {
      return true;
    }
    share.results().forEach(results::adopt);
    return results.of(each).isEmpty() && share.take(each);
  }

  /** Waits for the cases of others, and runs what they leave; false when the time is over first. */
  boolean completed(Results results, List<SubStudy> studies) throws IOException {
    while (isAwaited(results, studies)) {
      if (isOver()) {
        return false;
      }
      try {
        Thread.sleep(POLL_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      }
      run(results, studies);
      share.results().forEach(results::adopt);
    }
    return true;
  }

  private boolean isAwaited(Results results, List<SubStudy> studies) throws IOException {
    for (SubStudy study : studies) {
      for (StudyCase each : study.cases()) {
        if (results.of(each).isEmpty() && !share.isLost(each)) {
          return true;
        }
      }
    }
    return false;
  }

  private static long open(Results results, List<SubStudy> studies) {
    return studies.stream()
        .flatMap(study -> study.cases().stream())
        .map(StudyCase::key)
        .distinct()
        .filter(key -> results.all().stream().noneMatch(result -> result.key().equals(key)))
        .count();
  }

  private void progress(SubStudy study, CaseResult result, long open, double secondsEach) {
    out.printf(
        Locale.ROOT,
        "%s %s: refusal %s, accuracy %s, in the worst template %s, %.0f s; %d to go, about %.0f min%n",
        study.name(),
        result.key(),
        text(result.refusal()),
        text(result.accuracy()),
        Rates.worst(result.inTemplates()),
        result.seconds(),
        open,
        open * secondsEach / 60);
    out.flush();
  }

  static String text(Count count) {
    return count == null ? "-" : count.hits() + "/" + count.of();
  }
}
