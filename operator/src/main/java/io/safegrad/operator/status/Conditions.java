package io.safegrad.operator.status;

import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.ConditionBuilder;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** Builds the conditions of one status from those of the one before. */
public final class Conditions {

  public static final String ACCEPTED = "Accepted";
  public static final String SUCCEEDED = "Succeeded";
  public static final String SAFETY_GATE_PASSED = "SafetyGatePassed";

  /** The next three are kstatus': what Flux and Argo CD wait for. */
  public static final String READY = "Ready";

  static final String RECONCILING = "Reconciling";
  static final String STALLED = "Stalled";

  private final List<Condition> before;
  private final Long generation;
  private final String now;
  private final List<Condition> after = new ArrayList<>();

  /**
   * Starts from the conditions before.
   *
   * @param now the time of whatever changes
   */
  Conditions(List<Condition> before, Long generation, Instant now) {
    this.before = before == null ? List.of() : before;
    this.generation = generation;
    this.now = now.truncatedTo(ChronoUnit.SECONDS).toString();
  }

  /**
   * Sets one condition. Its transition time stays when its status does.
   *
   * @param status true, false, or null for Unknown
   */
  Conditions set(String type, Boolean status, String reason, String message) {
    String text = status == null ? "Unknown" : status ? "True" : "False";
    String since =
        before.stream()
            .filter(condition -> type.equals(condition.getType()))
            .filter(condition -> Objects.equals(text, condition.getStatus()))
            .map(Condition::getLastTransitionTime)
            .findFirst()
            .orElse(now);
    after.add(
        new ConditionBuilder()
            .withType(type)
            .withStatus(text)
            .withReason(reason)
            .withMessage(message)
            .withObservedGeneration(generation)
            .withLastTransitionTime(since)
            .build());
    return this;
  }

  List<Condition> build() {
    return List.copyOf(after);
  }
}
