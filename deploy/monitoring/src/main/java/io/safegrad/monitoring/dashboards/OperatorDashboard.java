package io.safegrad.monitoring.dashboards;

import static io.safegrad.monitoring.dashboards.Panel.panel;
import static io.safegrad.monitoring.dashboards.Panel.query;

import io.safegrad.monitoring.dashboards.Dashboard.Row;
import io.safegrad.monitoring.dashboards.Dashboard.Variable;
import io.safegrad.monitoring.dashboards.Panel.Display;
import io.safegrad.monitoring.dashboards.Panel.Unit;
import java.util.List;

/** The operator itself: whether it keeps up, what fails, what it costs. */
final class OperatorDashboard {

  private static final String OF = "{job=~\"$job\"}";

  private OperatorDashboard() {}

  static Dashboard create() {
    return new Dashboard(
        "safegrad-operator",
        "SafeGrad / Operator",
        "The operator: whether it keeps up, what fails, its traffic with the API server, its JVM.",
        List.of(new Variable("job", "Job", "label_values(safegrad_runs, job)")),
        List.of(overview(), reconciling(), traffic(), process()));
  }

  private static Row overview() {
    return new Row(
        "Overview",
        List.of(
            panel(
                "Operator up",
                "Operators that Prometheus reaches, those that stand by included.",
                Display.STAT,
                Unit.COUNT,
                4,
                query("sum(up" + OF + ")", "up")),
            panel(
                "Uptime",
                "Since the operator started.",
                Display.STAT,
                Unit.SECONDS,
                4,
                query("process_uptime_seconds" + OF, "{{pod}}")),
            panel(
                "Runs followed",
                "SafeFineTunes that it knows, ended ones included.",
                Display.STAT,
                Unit.COUNT,
                4,
                query("sum(safegrad_runs" + OF + ")", "runs")),
            panel(
                "Acting",
                "Operators that act, by lease; one for each is right.",
                Display.STAT,
                Unit.COUNT,
                4,
                query("sum by (lease) (safegrad_leader" + OF + ")", "{{lease}}")),
            panel(
                "Admission in force",
                "Whether the API server refuses what each ValidatingAdmissionPolicy forbids.",
                Display.YES_NO,
                Unit.YES_NO,
                8,
                query("min by (policy) (safegrad_admission_in_force" + OF + ")", "{{policy}}"))));
  }

  private static Row reconciling() {
    return new Row(
        "Reconciling",
        List.of(
            panel(
                "Reconcile latency",
                "Time of one reconciliation, its writes included.",
                Display.LINES,
                Unit.SECONDS,
                12,
                query(latency("0.5"), "median"),
                query(latency("0.99"), "99 %")),
            panel(
                "Reconciliations",
                "Those that succeeded and those that failed.",
                Display.LINES,
                Unit.OPERATIONS,
                12,
                query(rate("operator_sdk_reconciliations_success_total"), "succeeded"),
                query(rate("safegrad_reconcile_errors_total"), "failed")),
            panel(
                "Reconcile errors by reason",
                "In the hour before each moment. PolicyViolation and InvalidSpec are told to their"
                    + " users; the others are the platform's matter.",
                Display.LINES,
                Unit.COUNT,
                12,
                query(
                    "round(sum by (reason) (increase(safegrad_reconcile_errors_total"
                        + OF
                        + "[1h]))) > 0",
                    "{{reason}}")),
            panel(
                "Work in hand",
                "Resources that wait for a reconciliation, and those that are in one.",
                Display.LINES,
                Unit.COUNT,
                12,
                query(
                    "sum(operator_sdk_reconciliations_queue_size_safefinetune" + OF + ")", "wait"),
                query(
                    "sum(operator_sdk_reconciliations_executions_safefinetune" + OF + ")",
                    "in work"))));
  }

  private static Row traffic() {
    return new Row(
        "API traffic",
        List.of(
            panel(
                "Requests to the API server",
                "By HTTP method and status code; none where it gave no answer.",
                Display.LINES,
                Unit.REQUESTS,
                12,
                query(
                    "sum by (method, code) (rate(safegrad_api_requests_total"
                        + OF
                        + "[$__rate_interval]))",
                    "{{method}} {{code}}")),
            panel(
                "Events received",
                "Changes of watched objects, and what the progress of trainers brought.",
                Display.LINES,
                Unit.OPERATIONS,
                12,
                query(
                    "sum by (action) (rate(operator_sdk_events_received_total"
                        + OF
                        + "[$__rate_interval]))",
                    "{{action}}"))));
  }

  private static Row process() {
    return new Row(
        "JVM",
        List.of(
            panel(
                "Memory",
                "Used by the Java virtual machine, heap and beside it.",
                Display.STACK,
                Unit.BYTES,
                8,
                query("sum by (area) (jvm_memory_used_bytes" + OF + ")", "{{area}}")),
            panel(
                "CPU",
                "Share of all processors that the process uses, and share of the time that garbage"
                    + " collection takes.",
                Display.LINES,
                Unit.SHARE,
                8,
                query("sum(process_cpu_usage" + OF + ")", "process"),
                query(rate("jvm_gc_pause_seconds_sum"), "garbage collection")),
            panel(
                "Threads",
                "Live threads.",
                Display.LINES,
                Unit.COUNT,
                8,
                query("sum(jvm_threads_live_threads" + OF + ")", "live"))));
  }

  private static String rate(String counter) {
    return "sum(rate(" + counter + OF + "[$__rate_interval]))";
  }

  private static String latency(String quantile) {
    return "histogram_quantile("
        + quantile
        + ", sum by (le) (rate(operator_sdk_controllers_execution_reconcile_seconds_bucket"
        + OF
        + "[$__rate_interval])))";
  }
}
