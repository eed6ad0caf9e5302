package io.safegrad.operator.metrics;

import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.Measurements;
import io.safegrad.operator.status.RunStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;

/**
 * How all runs stand at one moment.
 *
 * @param runs those of the whole cluster
 * @param namespaces those of each namespace that is shown by its name, and of {@link #OTHER}
 */
record Fleet(Figures runs, Map<String, Figures> namespaces) {

  /** Stands for the namespaces that are not shown by name; no namespace can be called so. */
  static final String OTHER = "_other";

  static final Fleet EMPTY = new Fleet(Figures.NONE, Map.of());

  private static final Duration RECENT = Duration.ofDays(1);

  private static final Set<Phase> RUNNING =
      Set.of(Phase.Preparing, Phase.Training, Phase.Evaluating, Phase.Publishing);

  /**
   * Figures of some runs.
   *
   * @param phases how many are in each phase; a phase that none is in is absent
   * @param conflictRatio the mean of the recent ones; NaN when none has measured it
   * @param refusalDrop the largest of the recent ones; NaN when none has measured it
   * @param gpus held by running trainers
   */
  record Figures(Map<Phase, Long> phases, double conflictRatio, double refusalDrop, double gpus) {

    static final Figures NONE = new Figures(Map.of(), Double.NaN, Double.NaN, 0);

    long in(Phase phase) {
      return phases.getOrDefault(phase, 0L);
    }
  }

  /**
   * Counts.
   *
   * @param shown the namespaces that are shown by name
   */
  static Fleet of(List<SafeFineTune> runs, Set<String> shown, Instant now) {
    UnaryOperator<String> name = namespace -> shown.contains(namespace) ? namespace : OTHER;
    return new Fleet(
        figures(runs, now),
        runs.stream()
            .collect(
                Collectors.groupingBy(
                    run -> name.apply(run.getMetadata().getNamespace()),
                    Collectors.collectingAndThen(
                        Collectors.toList(), some -> figures(some, now)))));
  }

  Figures of(String namespace) {
    return namespaces.getOrDefault(namespace, Figures.NONE);
  }

  private static Figures figures(List<SafeFineTune> runs, Instant now) {
    List<Measurements> recent =
        runs.stream()
            .map(RunStatus::last)
            .filter(status -> isRecent(status, now))
            .map(SafeFineTuneStatus::measurements)
            .filter(Objects::nonNull)
            .toList();
    return new Figures(
        runs.stream()
            .map(run -> RunStatus.last(run).phase())
            .filter(Objects::nonNull)
            .collect(Collectors.groupingBy(phase -> phase, Collectors.counting())),
        recent.stream()
            .map(Measurements::conflictRatio)
            .filter(Objects::nonNull)
            .mapToDouble(ratio -> ratio)
            .average()
            .orElse(Double.NaN),
        recent.stream().flatMapToDouble(Fleet::drop).max().orElse(Double.NaN),
        runs.stream().mapToDouble(Fleet::gpus).sum());
  }

  private static boolean isRecent(SafeFineTuneStatus status, Instant now) {
    return status.phase() != null
        && (status.completionTime() == null
            || Instant.parse(status.completionTime()).isAfter(now.minus(RECENT)));
  }

  private static DoubleStream drop(Measurements figures) {
    return figures.baselineRefusalRate() == null || figures.refusalRate() == null
        ? DoubleStream.empty()
        : DoubleStream.of(figures.baselineRefusalRate() - figures.refusalRate());
  }

  private static double gpus(SafeFineTune run) {
    Phase phase = RunStatus.last(run).phase();
    ResourceRequirements resources = run.getSpec().pod().resources();
    if (phase == null
        || !RUNNING.contains(phase)
        || resources == null
        || resources.getLimits() == null) {
      return 0;
    }
    return resources.getLimits().entrySet().stream()
        .filter(limit -> isGpu(limit.getKey()))
        .map(Map.Entry::getValue)
        .mapToDouble(limit -> Quantity.getAmountInBytes(limit).doubleValue())
        .sum();
  }

  /** {@code nvidia.com/gpu}, {@code amd.com/gpu}, {@code gpu.intel.com/…}, a slice of one. */
  private static boolean isGpu(String resource) {
    return resource.contains("/") && (resource.contains("gpu") || resource.contains("/mig-"));
  }
}
