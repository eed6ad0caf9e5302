package io.safegrad.operator.metrics;

import java.util.List;

/**
 * Every metric of the operator's own, under the name Prometheus stores: dashboards, alert rules and
 * the documentation are held to this list. None carries the name of a run or text of a tenant. The
 * label {@code run_namespace} is not called {@code namespace}, which Prometheus sets itself to that
 * of the operator's pod.
 */
public enum OperatorMetric {
  RUNS("safegrad_runs", Type.GAUGE, "SafeFineTunes by phase.", "phase"),
  NAMESPACE_RUNS(
      "safegrad_namespace_runs",
      Type.GAUGE,
      "SafeFineTunes by namespace and phase.",
      "run_namespace",
      "phase"),
  NAMESPACE_CONFLICT_RATIO(
      "safegrad_namespace_conflict_ratio",
      Type.GAUGE,
      "Mean share of steps with conflicting gradients, over the runs of a namespace that are active"
          + " or ended within a day.",
      "run_namespace"),
  NAMESPACE_REFUSAL_DROP_RATIO(
      "safegrad_namespace_refusal_drop_ratio",
      Type.GAUGE,
      "Largest drop of the refusal rate from the start model to the newest measured one, over the"
          + " runs of a namespace that are active or ended within a day.",
      "run_namespace"),
  NAMESPACE_GPUS(
      "safegrad_namespace_gpus",
      Type.GAUGE,
      "GPUs that the pods of a namespace's running trainers hold.",
      "run_namespace"),
  GATE_VERDICTS(
      "safegrad_gate_verdicts_total",
      Type.COUNTER,
      "Ended runs by what their safety gate said: held, refused, or not_measured.",
      "run_namespace",
      "verdict"),
  RUN_ENDS(
      "safegrad_run_ends_total",
      Type.COUNTER,
      "Ended runs by the reason of the condition Succeeded.",
      "reason"),
  PHASE_DURATION(
      "safegrad_phase_duration_seconds",
      Type.HISTOGRAM,
      "Time that a run spent in a phase until it left it.",
      "phase"),
  POLICY_VIOLATIONS(
      "safegrad_policy_violations_total",
      Type.COUNTER,
      "Violations that kept a run from being accepted, by the field of the SafetyPolicy.",
      "rule"),
  RECONCILE_ERRORS(
      "safegrad_reconcile_errors_total",
      Type.COUNTER,
      "Reconciliations that failed, by the reason that the resource is told.",
      "reason"),
  POLL_ERRORS(
      "safegrad_poll_errors_total",
      Type.COUNTER,
      "Questions to running trainers that brought no progress: unreachable, timeout, or no_progress.",
      "reason"),
  LEADER(
      "safegrad_leader",
      Type.GAUGE,
      "Whether this operator acts: 1, or 0 while it stands by for another holder of the lease.",
      "lease"),
  API_REQUESTS(
      "safegrad_api_requests_total",
      Type.COUNTER,
      "Requests to the API server by HTTP method and status code; none where it gave no answer.",
      "method",
      "code"),
  ADMISSION_IN_FORCE(
      "safegrad_admission_in_force",
      Type.GAUGE,
      "Whether a ValidatingAdmissionPolicy refuses what it should: 1 or 0.",
      "policy");

  /** What kind of metric it is. */
  public enum Type {
    GAUGE,
    COUNTER,
    HISTOGRAM
  }

  private final String text;
  private final Type type;
  private final String help;
  private final List<String> labels;

  OperatorMetric(String text, Type type, String help, String... labels) {
    this.text = text;
    this.type = type;
    this.help = help;
    this.labels = List.of(labels);
  }

  /** The name as it is exposed. */
  public String text() {
    return text;
  }

  /** Gauge, counter or histogram. */
  public Type type() {
    return type;
  }

  /** One sentence of documentation. */
  public String help() {
    return help;
  }

  /** The names of its labels. */
  public List<String> labels() {
    return labels;
  }

  /** The name in Micrometer's words, which adds the endings itself. */
  public String meter() {
    return text.replaceFirst("_(total|seconds)$", "").replace('_', '.');
  }
}
