package io.safegrad.trainer.data;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.IntBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.AbstractList;
import java.util.Arrays;
import java.util.Objects;
import java.util.RandomAccess;

/**
 * Examples that lie in a file, four bytes a token, so that a data set of any size needs memory only
 * for where each example begins: 8 bytes. The file has no name, so nothing of it is left however
 * the process ends. For use by one thread.
 *
 * <p>Labels are those of {@link TrainingExamples}: a token's own id, or {@link
 * TokenizedExample#IGNORED}.
 */
final class ExampleFile extends AbstractList<TokenizedExample> implements RandomAccess, Closeable {

  private static final int BUFFER_BYTES = 1 << 20;

  private final FileChannel file;
  private final Path folder;
  private ByteBuffer unwritten = ByteBuffer.allocate(BUFFER_BYTES);
  // Where each example begins, in units of four bytes, and at the end where the last one ends.
  private long[] starts = new long[1024];
  private int size;
  private long written;

  private ExampleFile(FileChannel file, Path folder) {
    this.file = file;
    this.folder = folder;
  }

  /**
   * An empty list.
   *
   * @param folder where the room is taken
   * @throws TrainerException with INTERNAL when no file can be made there
   */
  static ExampleFile create(Path folder) {
    try {
      Path path = Files.createTempFile(folder, "examples-", ".tokens");
      FileChannel file = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
      Files.delete(path);
      return new ExampleFile(file, folder);
    } catch (IOException e) {
      throw failure(folder, "made", e);
    }
  }

  @Override
  public boolean add(TokenizedExample example) {
    int integers = 1 + example.length();
    try {
      if (unwritten.remaining() < integers * Integer.BYTES) {
        flush();
      }
      if (unwritten.capacity() < integers * Integer.BYTES) {
        unwritten = ByteBuffer.allocate(integers * Integer.BYTES);
      }
    } catch (IOException e) {
      throw failure(folder, "written", e);
    }
    unwritten.putInt(example.line());
    for (int i = 0; i < example.length(); i++) {
      unwritten.putInt(encode(example.inputIds()[i], example.labels()[i]));
    }
    if (size + 1 == starts.length) {
      starts = Arrays.copyOf(starts, starts.length + (starts.length >> 1));
    }
    starts[size + 1] = starts[size] + integers;
    size++;
    return true;
  }

  /** A token that is not trained on is written as its complement, which is negative. */
  private static int encode(int id, int label) {
    if (label != id && label != TokenizedExample.IGNORED) {
      throw new IllegalArgumentException("a label is the token's own id or IGNORED");
    }
    return label == id ? id : ~id;
  }

  @Override
  public TokenizedExample get(int index) {
    Objects.checkIndex(index, size);
    int integers = (int) (starts[index + 1] - starts[index]);
    IntBuffer example = read(starts[index] * Integer.BYTES, integers * Integer.BYTES).asIntBuffer();
    int line = example.get();
    int[] inputIds = new int[integers - 1];
    int[] labels = new int[integers - 1];
    for (int i = 0; i < inputIds.length; i++) {
      int token = example.get();
      inputIds[i] = token < 0 ? ~token : token;
      labels[i] = token < 0 ? TokenizedExample.IGNORED : token;
    }
    return new TokenizedExample(inputIds, labels, line);
  }

  private ByteBuffer read(long position, int bytes) {
    ByteBuffer buffer = ByteBuffer.allocate(bytes);
    try {
      if (position + bytes > written) {
        flush();
      }
      while (buffer.hasRemaining()) {
        if (file.read(buffer, position + buffer.position()) < 0) {
          throw new IOException("the file is shorter than what was written");
        }
      }
    } catch (IOException e) {
      throw failure(folder, "read", e);
    }
    return buffer.flip();
  }

  private void flush() throws IOException {
    unwritten.flip();
    while (unwritten.hasRemaining()) {
      written += file.write(unwritten, written);
    }
    unwritten.clear();
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public void close() throws IOException {
    file.close();
  }

  private static TrainerException failure(Path folder, String what, IOException cause) {
    return new TrainerException(
        ExitReason.INTERNAL,
        "the examples' token ids could not be "
            + what
            + " in "
            + folder
            + " (SAFEGRAD_WORKSPACE): expected a writable folder with four bytes of room a token",
        cause);
  }
}
