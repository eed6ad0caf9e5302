package io.safegrad.monitoring;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** Debian's and Ubuntu's package prometheus, fetched by apt into a folder of its own. */
final class DebianPackage {

  private static final String PACKAGE = "prometheus";

  private final Consumer<String> progress;

  DebianPackage(Consumer<String> progress) {
    this.progress = progress;
  }

  /**
   * Fetches and unpacks it. apt checks its signature.
   *
   * @return the folder with the programs
   * @throws MonitoringException when there is no apt or no such package
   */
  Path into(Path folder) throws IOException {
    if (!Files.isExecutable(Path.of("/usr/bin/apt-get"))) {
      throw new MonitoringException(
          "prometheus and promtool are needed: no official release can be reached, and there is no"
              + " apt-get to fetch Debian's package; set SAFEGRAD_PROMETHEUS_BIN to a folder that"
              + " has both");
    }
    progress.accept("prometheus: fetching Debian's package");
    Path state = folder.resolve("apt");
    Files.createDirectories(state.resolve("lists/partial"));
    Files.createDirectories(state.resolve("archives/partial"));
    // A list of somebody else that cannot be had fails it, though Debian's own may be there.
    ProgramResult lists = apt(state, "update");
    ProgramResult download = apt(state, "download", PACKAGE);
    if (download.exitCode() != 0) {
      throw new MonitoringException(
          "apt-get download %s: %s (apt-get update said: %s)"
              .formatted(PACKAGE, download.output(), lists.output()));
    }
    try (Stream<Path> files = Files.list(state)) {
      Path archive =
          files
              .filter(file -> file.toString().endsWith(".deb"))
              .findFirst()
              .orElseThrow(() -> new MonitoringException("apt-get download left no package"));
      ProgramResult unpacked =
          ProgramResult.run(
              state, List.of("dpkg-deb", "--extract", archive.toString(), "unpacked"));
      if (unpacked.exitCode() != 0) {
        throw new MonitoringException("dpkg-deb --extract " + archive + ": " + unpacked.output());
      }
    }
    return state.resolve("unpacked/usr/bin");
  }

  /** Its lists and locks are its own, so that it needs no rights and changes nothing. */
  private static ProgramResult apt(Path state, String... arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add("apt-get");
    command.add("-q");
    for (String option :
        List.of(
            "Dir::State=" + state,
            "Dir::State::lists=" + state.resolve("lists"),
            "Dir::Cache=" + state,
            "Dir::Cache::archives=" + state.resolve("archives"),
            "Debug::NoLocking=1",
            "APT::Sandbox::User=root")) {
      command.add("-o");
      command.add(option);
    }
    command.addAll(List.of(arguments));
    return ProgramResult.run(state, command);
  }
}
