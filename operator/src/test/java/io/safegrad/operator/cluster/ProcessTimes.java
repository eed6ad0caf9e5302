package io.safegrad.operator.cluster;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** The processor time of everything that a bench runs on one machine. */
final class ProcessTimes {

  private static final Map<String, String> PROGRAMS =
      Map.of(
          "kube-apiserver", "API server",
          "etcd", "etcd",
          "kube-controller-manager", "controllers",
          "quarkus-run.jar", "operator");

  private final Map<String, Double> seconds = new TreeMap<>();

  private ProcessTimes() {}

  /** What each has used since its start. */
  static ProcessTimes now() {
    ProcessTimes times = new ProcessTimes();
    ProcessHandle.current()
        .descendants()
        // The shells that guard the others name them as well.
        .filter(process -> !process.info().command().orElse("").endsWith("bash"))
        .forEach(times::add);
    times.seconds.put("bench", seconds(ProcessHandle.current()));
    return times;
  }

  /** The milliseconds of each for one of so many runs, since those times. */
  String perRun(ProcessTimes before, int runs) {
    return "%.0f: "
            .formatted(
                seconds.entrySet().stream().mapToDouble(one -> millis(one, before, runs)).sum())
        + seconds.entrySet().stream()
            .map(
                one ->
                    String.format(Locale.ROOT, "%s %.0f", one.getKey(), millis(one, before, runs)))
            .collect(Collectors.joining(", "));
  }

  private static double millis(Map.Entry<String, Double> one, ProcessTimes before, int runs) {
    return (one.getValue() - before.seconds.getOrDefault(one.getKey(), 0.0)) * 1e3 / runs;
  }

  private void add(ProcessHandle process) {
    List<String> line = commandLine(process);
    PROGRAMS.forEach(
        (program, name) -> {
          if (line.stream().anyMatch(part -> part.endsWith("/" + program))) {
            seconds.merge(name, seconds(process), Double::sum);
          }
        });
  }

  /** As the process was started: several programs are one file under several names. */
  private static List<String> commandLine(ProcessHandle process) {
    try {
      return List.of(Files.readString(Path.of("/proc/" + process.pid() + "/cmdline")).split("\0"));
    } catch (IOException e) {
      // It has ended meanwhile.
      return List.of();
    }
  }

  private static double seconds(ProcessHandle process) {
    return process.info().totalCpuDuration().orElse(Duration.ZERO).toMillis() / 1e3;
  }
}
