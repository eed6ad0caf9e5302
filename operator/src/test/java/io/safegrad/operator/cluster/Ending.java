package io.safegrad.operator.cluster;

import io.safegrad.api.ExitReason;
import io.safegrad.api.v1alpha1.Phase;
import java.util.List;
import java.util.Locale;
import java.util.function.UnaryOperator;

/** What a played trainer does in the end, and how its run must end for that. */
enum Ending {
  HELD(Phase.Succeeded, "Success", exit(0, digest -> Results.success(digest, 50))),
  RETRIED(
      Phase.Succeeded,
      "Success",
      exit(70, digest -> Results.failure(ExitReason.INTERNAL, "a bug", digest)),
      exit(0, digest -> Results.success(digest, 50))),
  REFUSED(Phase.Rejected, "GateRefused", exit(66, digest -> Results.refused(digest, 20))),
  BROKEN_DATA(
      Phase.Failed,
      "BadData",
      exit(65, digest -> Results.failure(ExitReason.BAD_DATA, "train.jsonl:2: no JSON", digest))),

  /** Its pod is gone before anybody has read how it ended. */
  LOST(Phase.Failed, "ResultLost", exit(0, digest -> Results.success(digest, 50))),

  /** The verdict says "published", the figures say that the gate does not hold. */
  FORGED(Phase.Rejected, "GateRefused", exit(0, digest -> Results.success(digest, 20))),
  OF_ANOTHER_PLAN(
      Phase.Failed, "PlanMismatch", exit(0, digest -> Results.success("sha256:another", 50))),
  WITHOUT_MESSAGE(Phase.Failed, "ResultUnreadable", exit(0, digest -> null)),
  CUT_OFF(
      Phase.Failed,
      "ResultUnreadable",
      exit(0, digest -> Results.success(digest, 50).substring(0, 300))),

  /** The exit code says that it refused, the message that it published. */
  CONTRADICTING(Phase.Rejected, "GateRefused", exit(66, digest -> Results.success(digest, 50)));

  /** Those that any run may have. */
  static final List<Ending> ORDINARY = List.of(HELD, RETRIED, REFUSED, BROKEN_DATA);

  /** Those whose last words are not to be believed. */
  static final List<Ending> UNBELIEVABLE =
      List.of(FORGED, OF_ANOTHER_PLAN, WITHOUT_MESSAGE, CUT_OFF, CONTRADICTING);

  /** How one attempt ends. */
  record Exit(int code, UnaryOperator<String> message) {}

  private final Phase phase;
  private final String reason;
  private final List<Exit> exits;

  Ending(Phase phase, String reason, Exit... exits) {
    this.phase = phase;
    this.reason = reason;
    this.exits = List.of(exits);
  }

  private static Exit exit(int code, UnaryOperator<String> message) {
    return new Exit(code, message);
  }

  Phase phase() {
    return phase;
  }

  String reason() {
    return reason;
  }

  int attempts() {
    return exits.size();
  }

  /** How an attempt ends, from 1; further ones end as the last. */
  Exit exit(int attempt) {
    return exits.get(Math.min(attempt, exits.size()) - 1);
  }

  String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
