package io.safegrad.trainer.weights;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.Consumer;

/**
 * A checkpoint file, read by position in little-endian chunks. Files are read and not mapped:
 * mapped pages count as the process's memory while they are copied into the tensor library.
 */
final class TensorFile implements Closeable {

  private static final int CHUNK_BYTES = 1 << 20;

  private final Path path;
  private final FileChannel channel;
  private final long size;

  private TensorFile(Path path, FileChannel channel, long size) {
    this.path = path;
    this.channel = channel;
    this.size = size;
  }

  static TensorFile open(Path path) {
    if (!Files.isRegularFile(path)) {
      String found = Files.exists(path) ? "it is not a regular file" : "there is no such file";
      throw badData(path, "expected a checkpoint file, but " + found);
    }
    try {
      FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
      return new TensorFile(path, channel, channel.size());
    } catch (NoSuchFileException e) {
      throw badData(path, "expected a checkpoint file, but there is no such file");
    } catch (IOException e) {
      throw unreadable(path, e);
    }
  }

  static TrainerException badData(Path path, String message) {
    return new TrainerException(ExitReason.BAD_DATA, path + ": " + message);
  }

  static TrainerException unreadable(Path path, IOException e) {
    return new TrainerException(
        ExitReason.SOURCE_UNAVAILABLE, path + ": could not be read: " + e.getMessage(), e);
  }

  TrainerException badData(String message) {
    return badData(path, message);
  }

  Path path() {
    return path;
  }

  /** Bytes of the file when it was opened. */
  long size() {
    return size;
  }

  /**
   * Fills a new little-endian buffer.
   *
   * @param what names the part of the file in the error for a file that ends inside it
   */
  ByteBuffer read(long position, int bytes, String what) {
    ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    read(position, buffer, what);
    return buffer.flip();
  }

  /** Fills what remains of a buffer. */
  void read(long position, ByteBuffer buffer, String what) {
    long end = position + buffer.remaining();
    try {
      while (buffer.hasRemaining()) {
        if (channel.read(buffer, end - buffer.remaining()) < 0) {
          throw badData(
              "the file ends inside "
                  + what
                  + ": expected "
                  + end
                  + " bytes, found "
                  + channel.size());
        }
      }
    } catch (IOException e) {
      throw unreadable(path, e);
    }
  }

  /**
   * Hands a part of the file to a consumer in order, in chunks of whole units of at most about 1
   * MiB.
   *
   * @param unitBytes bytes that belong together, for example one quantised block or one row
   */
  void stream(
      long position, long bytes, int unitBytes, String what, Consumer<ByteBuffer> consumer) {
    int largest = Math.max(1, CHUNK_BYTES / unitBytes) * unitBytes;
    ByteBuffer buffer =
        ByteBuffer.allocate((int) Math.min(largest, bytes)).order(ByteOrder.LITTLE_ENDIAN);
    for (long done = 0; done < bytes; done += buffer.limit()) {
      buffer.clear().limit((int) Math.min(largest, bytes - done));
      read(position + done, buffer, what);
      consumer.accept(buffer.flip());
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
