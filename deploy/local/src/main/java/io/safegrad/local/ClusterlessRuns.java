package io.safegrad.local;

import io.safegrad.api.TrainingResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CancellationException;

/** The trainer by itself, where no control plane can be had: the same manifests, the same run. */
final class ClusterlessRuns {

  private final Path trainer;
  private final Path folder;

  /**
   * @param trainer the trainer's program
   * @param folder receives {@code volumes}, as a cluster's claims
   */
  ClusterlessRuns(Path trainer, Path folder) {
    this.trainer = trainer;
    this.folder = folder.toAbsolutePath();
  }

  /** Runs a manifest; the trainer shows its own progress. */
  TrainingResult run(Path manifest) {
    Path message = folder.resolve(manifest.getFileName() + ".result.json");
    try {
      Files.createDirectories(folder.resolve("volumes"));
      Files.deleteIfExists(message);
      ProcessBuilder builder =
          new ProcessBuilder(trainer.toString(), "run", "--manifest", manifest.toString())
              .directory(folder.toFile())
              .inheritIO();
      builder.environment().put("SAFEGRAD_TERMINATION_LOG", message.toString());
      builder.environment().put("SAFEGRAD_VOLUMES", folder.resolve("volumes").toString());
      int exitCode = exitCode(builder.start());
      if (!Files.exists(message)) {
        throw new LocalException(
            "%s run --manifest %s ended with exit code %d and no result"
                .formatted(trainer, manifest, exitCode));
      }
      return TrainingResults.parse(Files.readString(message));
    } catch (IOException e) {
      throw new LocalException(trainer + " cannot be run: " + e);
    }
  }

  private static int exitCode(Process process) {
    try {
      return process.waitFor();
    } catch (InterruptedException e) {
      process.destroy();
      process.onExit().join();
      throw new CancellationException("interrupted while a trainer ran");
    }
  }
}
