package io.safegrad.trainer.run;

import io.safegrad.api.Approval;
import io.safegrad.api.ApprovalRequest;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.telemetry.ApprovalDesk;
import io.safegrad.trainer.telemetry.RunObserver;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Has the operator say whether an adapter may be published, since policies may have changed after
 * the plan was made. The plan's own gate has held before.
 *
 * @param desk where the answer comes in
 * @param patience how long to wait for it; null when there is nobody to ask, and the plan decides
 * @param preemption ends the wait
 */
record OperatorApproval(ApprovalDesk desk, Duration patience, Preemption preemption) {

  private static final Duration LOOK = Duration.ofMillis(200);

  /**
   * Asks, and waits for the answer.
   *
   * @throws TrainerException with INTERNAL when none comes in time, and with PREEMPTED when the run
   *     is to stop; nothing is published then
   */
  Approval ask(String planDigest, ApprovalRequest request, RunObserver observer) {
    if (patience == null) {
      return Approval.of(planDigest, List.of());
    }
    CompletableFuture<Approval> answer = desk.open(planDigest);
    observer.approvalAsked(request);
    long asked = System.nanoTime();
    while (System.nanoTime() - asked < patience.toNanos()) {
      try {
        Approval approval = answer.get(LOOK.toMillis(), TimeUnit.MILLISECONDS);
        observer.approvalAnswered(approval);
        return approval;
      } catch (TimeoutException e) {
        if (preemption.asked()) {
          throw preemption.stopped("while it waited for leave to publish");
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw preemption.stopped("while it waited for leave to publish");
      } catch (ExecutionException e) {
        throw new IllegalStateException("an answer cannot fail", e);
      }
    }
    throw new TrainerException(
        ExitReason.INTERNAL,
        "the gate held, but nobody answered within %d s whether the adapter may be published (GET /progress asks, POST /approval answers); nothing was published"
            .formatted(patience.toSeconds()));
  }
}
