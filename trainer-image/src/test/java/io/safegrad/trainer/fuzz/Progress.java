package io.safegrad.trainer.fuzz;

import java.io.IOException;
import java.nio.LongBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** How far a process has come, in memory that outlives it. */
final class Progress {

  /** What is counted. */
  enum Count {
    INPUTS,
    READ,
    REFUSED,
    PEAK_HEAP_BYTES
  }

  private final LongBuffer counts;

  private Progress(LongBuffer counts) {
    this.counts = counts;
  }

  /** Counts that are kept in a file, which starts with zeros. */
  static Progress in(Path file) throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      long bytes = (long) Count.values().length * Long.BYTES;
      return new Progress(channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes).asLongBuffer());
    }
  }

  long get(Count count) {
    return counts.get(count.ordinal());
  }

  void set(Count count, long value) {
    counts.put(count.ordinal(), value);
  }

  void add(Count count) {
    set(count, get(count) + 1);
  }

  void raise(Count count, long value) {
    set(count, Math.max(get(count), value));
  }
}
