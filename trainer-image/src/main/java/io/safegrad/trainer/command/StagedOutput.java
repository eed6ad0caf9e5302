package io.safegrad.trainer.command;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.run.FileTree;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * What a command writes: under another name beside its own until it is whole, so that a failure
 * leaves nothing. Nothing that is there already is replaced.
 */
final class StagedOutput implements Closeable {

  private final Path output;
  private final Path staging;

  private StagedOutput(Path output) {
    this.output = output;
    this.staging =
        output.resolveSibling(
            "." + output.getFileName() + ".partial-" + ProcessHandle.current().pid());
  }

  /**
   * Checks, before any work, that there is room for a new file or directory of a name.
   *
   * @throws TrainerException with BAD_PLAN when there is something of that name, or no folder for
   *     it
   */
  static StagedOutput at(Path path) throws IOException {
    Path output = path.toAbsolutePath().normalize();
    if (output.getFileName() == null || Files.exists(output, LinkOption.NOFOLLOW_LINKS)) {
      throw new TrainerException(
          ExitReason.BAD_PLAN,
          "--output: %s is there already; expected a new name".formatted(path));
    }
    Path folder = output.getParent();
    if (!Files.isDirectory(folder) || !Files.isWritable(folder)) {
      throw new TrainerException(
          ExitReason.BAD_PLAN, "--output: expected a writable folder at %s".formatted(folder));
    }
    StagedOutput staged = new StagedOutput(output);
    FileTree.delete(staged.staging);
    return staged;
  }

  /** Where to write the file or directory. */
  Path path() {
    return staging;
  }

  /** It is whole: gives it its name. */
  void publish() throws IOException {
    FileTree.flush(staging);
    Files.move(staging, output, StandardCopyOption.ATOMIC_MOVE);
    FileTree.flushNames(output.getParent());
  }

  @Override
  public void close() throws IOException {
    FileTree.delete(staging);
  }
}
