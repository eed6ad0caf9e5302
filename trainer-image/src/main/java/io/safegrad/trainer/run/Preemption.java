package io.safegrad.trainer.run;

import io.safegrad.api.ExitReason;
import io.safegrad.api.TrainingStage;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.judge.ChatCompletions;
import io.safegrad.trainer.telemetry.RunObserver;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Ends the run with an exit code of its own when the process is asked to stop (SIGTERM, or Ctrl-C).
 * Each event of the run is a point at which it stops in good order, after a checkpoint where steps
 * are done; a step that lasts too long for the pod's grace period is not waited for.
 */
final class Preemption implements RunObserver {

  /** Kubernetes kills after 30 seconds unless told otherwise. */
  static final Duration GRACE_PERIOD = Duration.ofSeconds(30);

  /** Of the grace period, to clean up and to tell the result; half of it where that is less. */
  private static final Duration RESERVE = Duration.ofSeconds(5);

  private final CompletableFuture<Integer> exitCode = new CompletableFuture<>();
  private volatile Duration patience = patience(GRACE_PERIOD);
  private volatile boolean asked;
  private volatile int kept;
  private Thread hook;

  /**
   * Begins to listen for the request to stop.
   *
   * @param lastResort cleans up and writes the result when the run does not end in time
   */
  void install(Runnable lastResort) {
    hook = new Thread(() -> stop(lastResort), "preemption");
    Runtime.getRuntime().addShutdownHook(hook);
  }

  /**
   * How long a request to stop is waited with.
   *
   * @param gracePeriod from the request to stop to the kill
   */
  void within(Duration gracePeriod) {
    patience = patience(gracePeriod);
  }

  private static Duration patience(Duration gracePeriod) {
    Duration half = gracePeriod.dividedBy(2);
    return gracePeriod.minus(half.compareTo(RESERVE) < 0 ? half : RESERVE);
  }

  /** The run has told its result and its exit code stands. */
  void ended(int code) {
    exitCode.complete(code);
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The process is ending and the hook is waiting for the code.
    }
  }

  /** Asks the run to stop. */
  void ask() {
    asked = true;
  }

  private void stop(Runnable lastResort) {
    ask();
    int code = ExitReason.PREEMPTED.code();
    try {
      code = exitCode.get(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      lastResort.run();
    } catch (InterruptedException | ExecutionException e) {
      Thread.currentThread().interrupt();
    } finally {
      // After a signal the JVM's own exit code would be 143, whatever the run says.
      Runtime.getRuntime().halt(code);
    }
  }

  @Override
  public void stageStarted(TrainingStage stage) {
    if (stage != TrainingStage.FINISHED) {
      check("at the start of stage " + stage);
    }
  }

  @Override
  public void repliesDone(int done, int total) {
    check("during an evaluation, after %d of %d replies".formatted(done, total));
  }

  @Override
  public void judgeAsked(ChatCompletions.Outcome outcome) {
    check("while the judge was asked");
  }

  private void check(String where) {
    if (asked) {
      throw stopped(where);
    }
  }

  /** Whether the run is to stop. */
  boolean asked() {
    return asked;
  }

  /** There is a checkpoint of so many steps. */
  void kept(int steps) {
    kept = steps;
  }

  /** Ends the run. */
  TrainerException stopped(String where) {
    return new TrainerException(ExitReason.PREEMPTED, message(where));
  }

  /** What the user is told. */
  String message(String where) {
    return "asked to stop %s; nothing was published, and the next attempt %s"
        .formatted(where, kept == 0 ? "starts from the beginning" : "resumes after step " + kept);
  }
}
