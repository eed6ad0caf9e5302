package io.safegrad.trainer.data;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.GZIPInputStream;

/** What is in a gzip file. A file that unpacks to far more than text does is refused. */
final class GzipContent extends FilterInputStream {

  /** Text packs to a tenth, very repetitive text to a fiftieth; zeros to a thousandth. */
  static final int MAX_RATIO = 100;

  /** Below this, the ratio does not matter. */
  static final long FREE_BYTES = 64L << 20;

  private static final int BUFFER_BYTES = 1 << 16;

  private final String displayName;
  private final long maxBytes;
  private long bytes;

  private GzipContent(InputStream gzip, String displayName, long maxBytes) {
    super(gzip);
    this.displayName = displayName;
    this.maxBytes = maxBytes;
  }

  /** Whether the stream, which must support marks, goes on with gzip. */
  static boolean startsHere(InputStream stream) throws IOException {
    stream.mark(2);
    int magic = stream.read() | stream.read() << 8;
    stream.reset();
    return magic == GZIPInputStream.GZIP_MAGIC;
  }

  /**
   * Unpacks a stream.
   *
   * @param packedBytes size of the whole file
   * @throws IOException a {@code ZipException} or {@code EOFException} when it is broken
   */
  static InputStream open(InputStream packed, long packedBytes, String displayName)
      throws IOException {
    return new GzipContent(
        new GZIPInputStream(packed, BUFFER_BYTES),
        displayName,
        Math.max(FREE_BYTES, packedBytes * MAX_RATIO));
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    int count = super.read(target, offset, length);
    bytes += Math.max(0, count);
    if (bytes > maxBytes) {
      throw new TrainerException(
          ExitReason.BAD_DATA,
          displayName
              + ": expected gzip of text, found a file that unpacks to more than "
              + MAX_RATIO
              + " times its size");
    }
    return count;
  }
}
