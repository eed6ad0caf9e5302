package io.safegrad.trainer.bench;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What one process reported.
 *
 * @param cpuSeconds CPU time of each step but the first, which warms up
 * @param losses user loss of each step
 * @param peakRssMib peak resident set of the whole process
 * @param startSeconds wall-clock seconds from the start of the process to its first step
 * @param gemmCpuSeconds CPU time of one step's matrix products alone; 0 where not measured
 */
record Measured(
    List<Double> cpuSeconds,
    List<Double> losses,
    double peakRssMib,
    double startSeconds,
    double gemmCpuSeconds) {

  /**
   * @param report the JSON that the process wrote
   * @param wallSeconds of the whole process
   */
  static Measured of(JsonNode report, double wallSeconds) {
    List<Double> cpuSeconds = new ArrayList<>();
    List<Double> losses = new ArrayList<>();
    double inSteps = 0;
    for (JsonNode step : report.path("steps")) {
      losses.add(step.path("loss").asDouble());
      inSteps += step.path("wall_s").asDouble();
      if (losses.size() > 1) {
        cpuSeconds.add(step.path("cpu_s").asDouble());
      }
    }
    return new Measured(
        cpuSeconds,
        losses,
        report.path("peak_rss_mib").asDouble(),
        wallSeconds - inSteps - report.path("after_steps_s").asDouble(),
        report.path("gemm_cpu_s").asDouble());
  }

  /** Peak resident set of this process, in MiB, as Linux counts it. */
  static double ownPeakRssMib() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmHWM:")) {
        return Double.parseDouble(line.replaceAll("[^0-9]", "")) / 1024;
      }
    }
    throw new IOException("/proc/self/status has no VmHWM");
  }
}
