package io.safegrad.monitoring;

import io.safegrad.operator.metrics.OperatorMetric;
import io.safegrad.trainer.telemetry.MetricName;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Every series that there is, with its labels. */
final class KnownMetrics {

  /** What Prometheus sets for each target, and scrape.yaml for trainers. */
  static final Set<String> TARGET = Set.of("namespace", "pod", "job", "instance", "run");

  /** Of others; MonitoringIT finds those of the operator in a real one. */
  private static final Map<String, Set<String>> OTHERS =
      Map.ofEntries(
          Map.entry("DCGM_FI_DEV_GPU_UTIL", Set.of("gpu")),
          Map.entry("up", Set.of()),
          Map.entry("operator_sdk_reconciliations_success_total", Set.of()),
          Map.entry("operator_sdk_reconciliations_queue_size_safefinetune", Set.of()),
          Map.entry("operator_sdk_reconciliations_executions_safefinetune", Set.of()),
          Map.entry("operator_sdk_controllers_execution_reconcile_seconds_bucket", Set.of("le")),
          Map.entry("operator_sdk_events_received_total", Set.of("action")),
          Map.entry("process_uptime_seconds", Set.of()),
          Map.entry("process_cpu_usage", Set.of()),
          Map.entry("jvm_memory_used_bytes", Set.of("area")),
          Map.entry("jvm_gc_pause_seconds_sum", Set.of()),
          Map.entry("jvm_threads_live_threads", Set.of()));

  private KnownMetrics() {}

  static Map<String, Set<String>> all() {
    Map<String, Set<String>> all = new TreeMap<>(OTHERS);
    for (MetricName metric : MetricName.values()) {
      add(all, metric.text(), metric.type() == MetricName.Type.HISTOGRAM, metric.labels());
    }
    for (OperatorMetric metric : OperatorMetric.values()) {
      add(all, metric.text(), metric.type() == OperatorMetric.Type.HISTOGRAM, metric.labels());
    }
    return all;
  }

  private static void add(
      Map<String, Set<String>> all, String name, boolean histogram, List<String> labels) {
    if (!histogram) {
      all.put(name, Set.copyOf(labels));
      return;
    }
    all.put(name + "_sum", Set.copyOf(labels));
    all.put(name + "_count", Set.copyOf(labels));
    Set<String> bucket = new HashSet<>(labels);
    bucket.add("le");
    all.put(name + "_bucket", bucket);
  }

  /** Fails on a metric or a label that is not there. */
  static void check(String expression) {
    PromqlNames names = PromqlNames.of(expression);
    Map<String, Set<String>> known = all();
    Set<String> groupable = new HashSet<>(TARGET);
    if (names.selectors().isEmpty()) {
      throw new AssertionError("no metric in " + expression);
    }
    for (PromqlNames.Selector selector : names.selectors()) {
      Set<String> labels = known.get(selector.metric());
      if (labels == null) {
        throw new AssertionError(
            "no such metric: %s in %s".formatted(selector.metric(), expression));
      }
      groupable.addAll(labels);
      for (String label : selector.labels()) {
        if (!labels.contains(label) && !TARGET.contains(label)) {
          throw new AssertionError(
              "%s has no label %s: %s".formatted(selector.metric(), label, expression));
        }
      }
    }
    for (String label : names.grouping()) {
      if (!groupable.contains(label)) {
        throw new AssertionError("nothing has the label %s: %s".formatted(label, expression));
      }
    }
  }
}
