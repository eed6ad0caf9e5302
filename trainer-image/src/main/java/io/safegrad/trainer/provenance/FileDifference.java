package io.safegrad.trainer.provenance;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.util.stream.IntStream;

/**
 * Where a file differs from what it was, as exactly as the digests of its blocks tell.
 *
 * @param was the file's digests
 * @param file as it is now
 */
record FileDifference(FileDigests was, SeekableByteChannel file) {

  /** Says it in words. */
  String phrase() throws IOException {
    long bytes = was.bytes();
    long added = file.size() - bytes;
    int blocks = was.blocks().size();
    int first = blocks;
    int last = -1;
    int different = 0;
    for (int block = 0; block < blocks; block++) {
      if (!was.holds(block, read(was.start(block), was.end(block)))) {
        first = Math.min(first, block);
        last = block;
        different++;
      }
    }
    String length =
        added == 0 ? "" : "it has %d bytes, expected %d; ".formatted(file.size(), bytes);
    if (different == 0) {
      return length
          + "all of the first %d bytes are as they were, and %d were added behind them"
              .formatted(bytes, added);
    }
    if (added < 0 && was.end(first) > file.size()) {
      return length + cutOff(first);
    }
    if (added == 0 && different == 1) {
      byte[] changed = read(was.start(first), was.end(first));
      int at = OneByte.changed(changed, was.blocks().get(first));
      if (at >= 0) {
        return "byte %d was changed, and no other".formatted(was.start(first) + at);
      }
    }
    if (added != 0 && restIsMoved(first, added)) {
      return length + moved(first, added);
    }
    return "%s%d of %d blocks differ, the first is bytes %d to %d, the last bytes %d to %d"
        .formatted(
            length,
            different,
            blocks,
            was.start(first),
            was.end(first) - 1,
            was.start(last),
            was.end(last) - 1);
  }

  /** All blocks before this one are as they were, and it is not there as a whole. */
  private String cutOff(int block) throws IOException {
    long start = was.start(block);
    return start == file.size()
        ? "all of them are as they were, and the last %d are missing"
            .formatted(was.bytes() - file.size())
        : "the first %d are as they were, and after these the file was cut off".formatted(start);
  }

  /** Whether all behind a block is there, further on or further ahead by so many bytes. */
  private boolean restIsMoved(int first, long added) throws IOException {
    for (int block = first + 1; block < was.blocks().size(); block++) {
      if (!was.holds(block, read(was.start(block) + added, was.end(block) + added))) {
        return false;
      }
    }
    return true;
  }

  private String moved(int block, long added) throws IOException {
    long start = was.start(block);
    if (added < 0) {
      return "%d were removed from bytes %d to %d, or these were changed, and all others are as they were"
          .formatted(-added, start, was.end(block) - 1);
    }
    int inserted = inserted(block, added);
    return inserted >= 0
        ? "%d were inserted before byte %d, and all others are as they were"
            .formatted(added, start + inserted)
        : "%d were inserted into bytes %d to %d, or these were changed, and all others are as they were"
            .formatted(added, start, was.end(block) - 1);
  }

  /** Finds where a block is itself again without so many bytes; -1 for nowhere. */
  private int inserted(int block, long added) throws IOException {
    if (was.blockBytes() > OneByte.LONGEST_BLOCK || added > was.blockBytes()) {
      return -1;
    }
    byte[] content = read(was.start(block), was.end(block) + added);
    int count = (int) added;
    return IntStream.rangeClosed(0, content.length - count)
        .filter(
            at -> {
              byte[] without = new byte[content.length - count];
              System.arraycopy(content, 0, without, 0, at);
              System.arraycopy(content, at + count, without, at, without.length - at);
              return was.holds(block, without);
            })
        .findFirst()
        .orElse(-1);
  }

  /** What is there of some bytes. */
  private byte[] read(long start, long end) throws IOException {
    long there = Math.min(end, file.size());
    if (start < 0 || there <= start) {
      return new byte[0];
    }
    ByteBuffer content = ByteBuffer.allocate((int) (there - start));
    file.position(start);
    while (content.hasRemaining() && file.read(content) >= 0) {
      // A channel may give less than there is room for.
    }
    return content.array();
  }
}
