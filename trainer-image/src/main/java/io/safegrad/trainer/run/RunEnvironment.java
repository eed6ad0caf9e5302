package io.safegrad.trainer.run;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

/**
 * Where a run finds things and where it tells of itself.
 *
 * @param workspace for files of this run alone; null for a temporary folder
 * @param volumes the folder in which each claim of {@code pvc://claim/path} is found by its name
 * @param claimsAreMounted whether the destination's claim must be there already: a folder on a
 *     laptop is made, a volume is not
 * @param terminationLog receives the result; null for none
 * @param address to listen on
 * @param port to listen on, 0 for any; null for not listening
 * @param approvalTimeout how long a run whose gate held waits for leave to publish; null when it
 *     asks for none
 * @param gracePeriod from the request to stop to the kill
 */
public record RunEnvironment(
    Path workspace,
    Path volumes,
    boolean claimsAreMounted,
    Path terminationLog,
    String address,
    Integer port,
    Duration approvalTimeout,
    Duration gracePeriod) {

  private static final String WORKSPACE = "SAFEGRAD_WORKSPACE";
  private static final String VOLUMES = "SAFEGRAD_VOLUMES";
  private static final String TERMINATION_LOG = "SAFEGRAD_TERMINATION_LOG";
  private static final String ADDRESS = "SAFEGRAD_ADDRESS";
  private static final String PORT = "SAFEGRAD_PORT";
  private static final String APPROVAL_SECONDS = "SAFEGRAD_APPROVAL_SECONDS";
  private static final String GRACE_SECONDS = "SAFEGRAD_GRACE_SECONDS";
  private static final int MAX_PORT = 65535;

  /** As in the trainer's pod. */
  public static RunEnvironment ofContainer(Map<String, String> variables) {
    return new RunEnvironment(
        Path.of(variables.getOrDefault(WORKSPACE, "/workspace")),
        Path.of(variables.getOrDefault(VOLUMES, "/pvc")),
        true,
        Path.of(variables.getOrDefault(TERMINATION_LOG, "/dev/termination-log")),
        variables.getOrDefault(ADDRESS, "0.0.0.0"),
        port(variables.getOrDefault(PORT, "9400")),
        seconds(variables, APPROVAL_SECONDS, null),
        seconds(variables, GRACE_SECONDS, Preemption.GRACE_PERIOD));
  }

  /** As on a laptop: nothing but {@code ./pvc} is touched, and nothing listens unasked. */
  public static RunEnvironment ofLaptop(Map<String, String> variables) {
    return new RunEnvironment(
        path(variables.get(WORKSPACE)),
        Path.of(variables.getOrDefault(VOLUMES, "pvc")),
        false,
        path(variables.get(TERMINATION_LOG)),
        variables.getOrDefault(ADDRESS, "127.0.0.1"),
        port(variables.get(PORT)),
        null,
        Preemption.GRACE_PERIOD);
  }

  RunEnvironment withPort(int value) {
    return new RunEnvironment(
        workspace,
        volumes,
        claimsAreMounted,
        terminationLog,
        address,
        port("" + value),
        approvalTimeout,
        gracePeriod);
  }

  private static Path path(String text) {
    return text == null ? null : Path.of(text);
  }

  private static Duration seconds(Map<String, String> variables, String name, Duration whenAbsent) {
    String text = variables.get(name);
    if (text == null) {
      return whenAbsent;
    }
    try {
      int seconds = Integer.parseInt(text);
      if (seconds > 0) {
        return Duration.ofSeconds(seconds);
      }
    } catch (NumberFormatException e) {
      // Said below, as for a number out of range.
    }
    throw new TrainerException(
        ExitReason.BAD_PLAN, name + ": expected a whole number of seconds above 0, found " + text);
  }

  private static Integer port(String text) {
    if (text == null) {
      return null;
    }
    try {
      int port = Integer.parseInt(text);
      if (port >= 0 && port <= MAX_PORT) {
        return port;
      }
    } catch (NumberFormatException e) {
      // Said below, as for a number out of range.
    }
    throw new TrainerException(
        ExitReason.BAD_PLAN, PORT + ": expected a port from 0 to 65535, found " + text);
  }
}
