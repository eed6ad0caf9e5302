package io.safegrad.trainer.telemetry;

import io.safegrad.api.Approval;
import java.util.concurrent.CompletableFuture;

/** Where a run's question whether it may publish waits for the answer that comes by HTTP. */
public final class ApprovalDesk {

  private String planDigest;
  private CompletableFuture<Approval> question;

  /** The question is asked; its answer completes what is returned. */
  public synchronized CompletableFuture<Approval> open(String digest) {
    planDigest = digest;
    question = new CompletableFuture<>();
    return question;
  }

  /**
   * Takes an answer.
   *
   * @return false when nothing is asked, or not of this plan: then nothing is done
   */
  public synchronized boolean answer(Approval approval) {
    return question != null
        && planDigest.equals(approval.planDigest())
        && question.complete(approval);
  }
}
