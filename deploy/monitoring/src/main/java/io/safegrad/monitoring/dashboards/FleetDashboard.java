package io.safegrad.monitoring.dashboards;

import static io.safegrad.monitoring.dashboards.Panel.panel;
import static io.safegrad.monitoring.dashboards.Panel.query;

import io.safegrad.monitoring.dashboards.Dashboard.Row;
import io.safegrad.monitoring.dashboards.Dashboard.Variable;
import io.safegrad.monitoring.dashboards.Panel.Display;
import io.safegrad.monitoring.dashboards.Panel.Unit;
import java.util.List;

/** All runs of the cluster, for those who own it. It needs the operator's metrics alone. */
final class FleetDashboard {

  private static final String OF = "job=~\"$job\",run_namespace=~\"$namespace\"";

  private FleetDashboard() {}

  static Dashboard create() {
    return new Dashboard(
        "safegrad-fleet",
        "SafeGrad / Fleet",
        "All fine-tunes of the cluster: where they stand, what their gates said, what they cost.",
        List.of(
            new Variable("job", "Job", "label_values(safegrad_namespace_runs, job)"),
            new Variable(
                "namespace",
                "Namespace",
                "label_values(safegrad_namespace_runs{job=~\"$job\"}, run_namespace)")),
        List.of(overview(), runs(), namespaces()));
  }

  private static Row overview() {
    return new Row(
        "Overview",
        List.of(
            panel(
                "Active runs",
                "Runs that have a pod or wait for one.",
                Display.STAT,
                Unit.COUNT,
                4,
                query(
                    "sum(safegrad_namespace_runs{"
                        + OF
                        + ",phase=~\"Queued|Preparing|Training|Evaluating|Publishing\"})",
                    "active")),
            panel(
                "Published",
                "Runs of the chosen time whose gate held.",
                Display.STAT,
                Unit.COUNT,
                4,
                query(increase("verdict=\"held\"", "$__range"), "held")),
            panel(
                "Refused by the gate",
                "Runs of the chosen time whose gate did not hold: nothing of them is published.",
                Display.STAT,
                Unit.COUNT,
                4,
                query(increase("verdict=\"refused\"", "$__range"), "refused")),
            panel(
                "Ended unmeasured",
                "Runs of the chosen time that ended before their gate: a bad plan, bad data, a"
                    + " failure.",
                Display.STAT,
                Unit.COUNT,
                4,
                query(increase("verdict=\"not_measured\"", "$__range"), "not measured")),
            panel(
                "Largest refusal drop",
                "The run that lost most of its refusals, among those active or ended within a day;"
                    + " below zero: it refuses more than its start model.",
                Display.STAT,
                Unit.SHARE,
                4,
                query(
                    "max(safegrad_namespace_refusal_drop_ratio{" + OF + "} >= -1)",
                    "largest drop")),
            panel(
                "GPU hours",
                "Hours for which running trainers held a GPU, in the chosen time.",
                Display.STAT,
                Unit.HOURS,
                4,
                query(
                    "sum(sum_over_time(safegrad_namespace_gpus{" + OF + "}[$__range:1m])) / 60",
                    "GPU hours"))));
  }

  private static Row runs() {
    return new Row(
        "Runs",
        List.of(
            panel(
                "Runs by phase",
                "SafeFineTunes that there are, ended ones included until they are deleted.",
                Display.STACK,
                Unit.COUNT,
                12,
                query("sum by (phase) (safegrad_namespace_runs{" + OF + "})", "{{phase}}")),
            panel(
                "Gate verdicts",
                "Ended runs in the hour before each moment, by what their gate said.",
                Display.LINES,
                Unit.COUNT,
                12,
                query(
                    "round(sum by (verdict) (increase(safegrad_gate_verdicts_total{"
                        + OF
                        + "}[1h])))",
                    "{{verdict}}")),
            panel(
                "Queue time",
                "Time that runs waited for their queue, a node or an image, of those that stopped"
                    + " waiting in the hour before. Of all namespaces.",
                Display.LINES,
                Unit.SECONDS,
                12,
                query(queueTime("0.5"), "median"),
                query(queueTime("0.9"), "90 %")),
            panel(
                "How runs ended",
                "Ended runs in the hour before each moment, by the reason of their condition"
                    + " Succeeded. Of all namespaces.",
                Display.LINES,
                Unit.COUNT,
                12,
                query(
                    "round(sum by (reason) (increase(safegrad_run_ends_total{job=~\"$job\"}[1h]))) > 0",
                    "{{reason}}"))));
  }

  private static Row namespaces() {
    return new Row(
        "By namespace",
        List.of(
            panel(
                "Conflict ratio",
                "Mean share of training steps whose gradients conflict, over the runs active or"
                    + " ended within a day. High values: data that work against the alignment.",
                Display.LINES,
                Unit.SHARE,
                12,
                query(
                    "max by (run_namespace) (safegrad_namespace_conflict_ratio{" + OF + "} >= 0)",
                    "{{run_namespace}}")),
            panel(
                "Refusal drop",
                "The largest drop among the runs active or ended within a day.",
                Display.LINES,
                Unit.SHARE,
                12,
                query(
                    "max by (run_namespace) (safegrad_namespace_refusal_drop_ratio{"
                        + OF
                        + "} >= -1)",
                    "{{run_namespace}}")),
            panel(
                "GPUs held",
                "GPUs that the pods of running trainers hold.",
                Display.STACK,
                Unit.COUNT,
                12,
                query(
                    "sum by (run_namespace) (safegrad_namespace_gpus{" + OF + "})",
                    "{{run_namespace}}")),
            panel(
                "Policy violations",
                "Demands of SafetyPolicies that specs broke, in the hour before each moment, by the"
                    + " policy's field. Of all namespaces.",
                Display.LINES,
                Unit.COUNT,
                12,
                query(
                    "round(sum by (rule) (increase(safegrad_policy_violations_total{job=~\"$job\"}[1h]))) > 0",
                    "{{rule}}"))));
  }

  private static String increase(String verdict, String range) {
    return "round(sum(increase(safegrad_gate_verdicts_total{"
        + OF
        + ","
        + verdict
        + "}["
        + range
        + "])))";
  }

  private static String queueTime(String quantile) {
    return "histogram_quantile("
        + quantile
        + ", sum by (le) (increase(safegrad_phase_duration_seconds_bucket{job=~\"$job\","
        + "phase=\"Queued\"}[1h])))";
  }
}
