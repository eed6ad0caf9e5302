package io.safegrad.trainer.weights;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/** Appends to a checkpoint file in little-endian chunks. */
final class TensorChannel {

  private static final int CHUNK_FLOATS = 1 << 18;

  private final Path path;
  private final FileChannel channel;
  private final ByteBuffer chunk =
      ByteBuffer.allocate(CHUNK_FLOATS * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);

  /**
   * @param path names the file in errors
   */
  TensorChannel(Path path, FileChannel channel) {
    this.path = path;
    this.channel = channel;
  }

  /** Appends bytes. */
  void write(byte[] bytes) throws IOException {
    write(ByteBuffer.wrap(bytes));
  }

  /**
   * Appends a whole tensor.
   *
   * @throws TrainerException with BAD_DATA when it has a number that float16 cannot hold
   */
  void write(String name, FloatBuffer values, StorageType type) throws IOException {
    int end = values.limit();
    while (values.position() < end) {
      values.limit(Math.min(end, values.position() + CHUNK_FLOATS));
      if (type == StorageType.FLOAT16) {
        requireHalfFloats(name, values.slice());
      }
      chunk.clear();
      type.encode(values, chunk);
      write(chunk.flip());
      values.limit(end);
    }
  }

  private void requireHalfFloats(String name, FloatBuffer values) {
    while (values.hasRemaining()) {
      float value = values.get();
      if (Float.isFinite(value) && (HalfFloat.fromFloat(value) & 0x7fff) == 0x7c00) {
        throw new TrainerException(
            ExitReason.BAD_DATA,
            "%s: tensor %s has the number %s, beyond float16's 65504; expected bfloat16 or float32"
                .formatted(path, name, value));
      }
    }
  }

  private void write(ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }
}
