package io.safegrad.local;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What runs on this machine. */
final class Processes {

  private Processes() {}

  /** Command lines of the processes whose working directory is the folder or one in it. */
  static List<String> in(Path folder) {
    return ProcessHandle.allProcesses()
        .filter(process -> workingDirectory(process).startsWith(folder))
        .map(process -> process.info().commandLine().orElse(""))
        .toList();
  }

  private static Path workingDirectory(ProcessHandle process) {
    try {
      return Files.readSymbolicLink(Path.of("/proc", Long.toString(process.pid()), "cwd"));
    } catch (IOException e) {
      return Path.of("/"); // It has just ended, or is another user's.
    }
  }
}
