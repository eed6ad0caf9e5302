package io.safegrad.trainer.weights;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** Writes a file so that a reader, or a restart, finds the whole of it or the one before it. */
public final class AtomicFile {

  private AtomicFile() {}

  /** Writes the content of one file. */
  @FunctionalInterface
  public interface Content {

    /** Writes everything to the channel, which the caller opens and closes. */
    void writeTo(FileChannel channel) throws IOException;
  }

  /**
   * Writes beside the file, flushes to the disk, and renames. On any failure the partial file is
   * removed and the file at {@code path} is as it was.
   *
   * @throws TrainerException with INTERNAL when it cannot be written, for example to a full disk
   */
  public static void write(Path path, Content content) {
    Path absolute = path.toAbsolutePath();
    Path partial = absolute.resolveSibling("." + absolute.getFileName() + ".partial");
    try {
      try {
        try (FileChannel channel =
            FileChannel.open(
                partial,
                StandardOpenOption.CREATE,
                StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.WRITE)) {
          content.writeTo(channel);
          channel.force(true);
        }
        Files.move(
            partial, absolute, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        flushDirectory(absolute.getParent());
      } finally {
        Files.deleteIfExists(partial);
      }
    } catch (IOException e) {
      throw new TrainerException(
          ExitReason.INTERNAL, path + ": could not be written: " + e.getMessage(), e);
    }
  }

  /** The same for a small file that is in memory. */
  public static void write(Path path, byte[] bytes) {
    write(
        path,
        channel -> {
          ByteBuffer buffer = ByteBuffer.wrap(bytes);
          while (buffer.hasRemaining()) {
            channel.write(buffer);
          }
        });
  }

  /**
   * Makes a directory and those above it.
   *
   * @throws TrainerException with INTERNAL when it cannot be made
   */
  static void createDirectories(Path directory) {
    try {
      Files.createDirectories(directory);
    } catch (IOException e) {
      throw new TrainerException(
          ExitReason.INTERNAL, directory + ": could not be made: " + e.getMessage(), e);
    }
  }

  /** The rename itself is kept over a power cut only once its directory is flushed. */
  private static void flushDirectory(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }
}
