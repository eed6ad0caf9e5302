package io.safegrad.trainer.run;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A folder for files that a run needs while it lasts.
 *
 * @param folder exists
 * @param temporary whether it is removed at the end
 */
public record Workspace(Path folder, boolean temporary) implements Closeable {

  /**
   * Opens a folder, made when it is missing.
   *
   * @param folder null for a temporary one
   * @throws TrainerException with INTERNAL when it cannot be made
   */
  public static Workspace open(Path folder) {
    try {
      return folder == null
          ? new Workspace(Files.createTempDirectory("safegrad-"), true)
          : new Workspace(Files.createDirectories(folder), false);
    } catch (IOException e) {
      throw new TrainerException(
          ExitReason.INTERNAL,
          "the workspace %s cannot be made: expected a writable folder in SAFEGRAD_WORKSPACE"
              .formatted(folder == null ? "in " + System.getProperty("java.io.tmpdir") : folder),
          e);
    }
  }

  @Override
  public void close() throws IOException {
    if (temporary) {
      FileTree.delete(folder);
    }
  }
}
