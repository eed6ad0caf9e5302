package io.safegrad.trainer.data;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/** The lines of a stream as bytes, without their line feeds. */
final class ByteLines {

  private static final byte[] EMPTY = {};

  private final InputStream stream;
  private final String displayName;
  private final int maxBytes;
  private final byte[] buffer = new byte[1 << 16];
  private int position;
  private int end;
  private int number;

  /**
   * @param displayName the stream's name in errors
   * @param maxBytes longest line
   */
  ByteLines(InputStream stream, String displayName, int maxBytes) {
    this.stream = stream;
    this.displayName = displayName;
    this.maxBytes = maxBytes;
  }

  /** The newest line's number, from 1. */
  int number() {
    return number;
  }

  /**
   * The next line; null when there is none.
   *
   * @throws io.safegrad.trainer.TrainerException with BAD_DATA for a longer one than the limit
   */
  byte[] next() throws IOException {
    if (!fill()) {
      return null;
    }
    number++;
    int feed = lineFeed();
    if (feed < end) {
      return take(feed);
    }
    ByteArrayOutputStream line = new ByteArrayOutputStream(2 * buffer.length);
    do {
      feed = lineFeed();
      if (line.size() + feed - position > maxBytes) {
        throw DataRecord.badData(
            displayName, number, "expected at most " + maxBytes + " bytes in a line, found more");
      }
      boolean whole = feed < end;
      line.writeBytes(take(feed));
      if (whole) {
        break;
      }
    } while (fill());
    return line.toByteArray();
  }

  /** The bytes up to a line feed, or to the end of the buffer; the feed is passed over. */
  private byte[] take(int feed) {
    byte[] line = feed == position ? EMPTY : Arrays.copyOfRange(buffer, position, feed);
    position = Math.min(end, feed + 1);
    return line;
  }

  private int lineFeed() {
    int feed = position;
    while (feed < end && buffer[feed] != '\n') {
      feed++;
    }
    return feed;
  }

  /** Whether there are more bytes. */
  private boolean fill() throws IOException {
    if (position == end) {
      position = 0;
      end = Math.max(0, stream.read(buffer));
    }
    return position < end;
  }
}
