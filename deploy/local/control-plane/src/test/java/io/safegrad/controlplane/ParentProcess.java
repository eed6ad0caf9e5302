package io.safegrad.controlplane;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** A program that starts a child and then is killed by a test. */
final class ParentProcess {

  private ParentProcess() {}

  public static void main(String[] arguments) {
    ChildProcess child =
        ChildProcess.start(
            List.of("sleep", "600"),
            System.getenv(),
            Path.of(arguments[0]),
            Path.of(arguments[0], "child.log"),
            Duration.ofSeconds(1));
    while (child.processes().noneMatch(ParentProcess::sleeps)) {
      Thread.onSpinWait();
    }
    child.processes().filter(ParentProcess::sleeps).forEach(it -> System.out.println(it.pid()));
    System.out.println("end");
    child.exitCode().join();
  }

  private static boolean sleeps(ProcessHandle process) {
    return process.info().command().orElse("").endsWith("sleep");
  }
}
