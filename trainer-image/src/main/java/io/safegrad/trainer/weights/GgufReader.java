package io.safegrad.trainer.weights;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Reads the values of a GGUF header one after the other. */
final class GgufReader {

  private static final int WINDOW_BYTES = 1 << 16;

  private static final int MAX_ARRAY_DEPTH = 4;

  private final TensorFile file;
  private ByteBuffer window;
  private long windowStart;

  GgufReader(TensorFile file) {
    this.file = file;
    this.window = ByteBuffer.allocate(0);
  }

  /** Position in the file of the next byte. */
  long position() {
    return windowStart + window.position();
  }

  int int32(String what) {
    return require(Integer.BYTES, what).getInt();
  }

  long int64(String what) {
    return require(Long.BYTES, what).getLong();
  }

  /** A count of things of which each takes at least some bytes of the rest of the file. */
  long count(String what, int bytesEach) {
    long count = int64(what);
    if (count < 0 || count > (file.size() - position()) / bytesEach) {
      throw file.badData(
          what
              + ": the file is too short for "
              + Long.toUnsignedString(count)
              + "; is it truncated?");
    }
    return count;
  }

  String string(String what) {
    long length = count(what, 1);
    if (length > Integer.MAX_VALUE - 16) {
      throw file.badData(what + ": a text of " + length + " bytes is too long");
    }
    byte[] bytes = new byte[(int) length];
    for (int done = 0; done < bytes.length; ) {
      int part = Math.min(WINDOW_BYTES, bytes.length - done);
      require(part, what).get(bytes, done, part);
      done += part;
    }
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /** A typed value: Long, Double, Boolean, String, or a List of them. */
  Object value(String what) {
    return value(int32(what), what, 0);
  }

  private Object value(int type, String what, int depth) {
    return switch (type) {
      case 0 -> (long) (require(1, what).get() & 0xff);
      case 1 -> (long) require(1, what).get();
      case 2 -> (long) (require(2, what).getShort() & 0xffff);
      case 3 -> (long) require(2, what).getShort();
      case 4 -> int32(what) & 0xffffffffL;
      case 5 -> (long) int32(what);
      // As text: the shortest decimal of a float32 is what its author wrote, 1e-05 and not
      // 9.999999747378752e-06.
      case 6 -> Double.parseDouble(Float.toString(require(4, what).getFloat()));
      case 7 -> require(1, what).get() != 0;
      case 8 -> string(what);
      case 9 -> array(what, depth);
      case 10, 11 -> int64(what);
      case 12 -> require(8, what).getDouble();
      default ->
          throw file.badData(
              what + ": expected a value type of 0 to 12, found " + Integer.toUnsignedString(type));
    };
  }

  private List<Object> array(String what, int depth) {
    if (depth == MAX_ARRAY_DEPTH) {
      throw file.badData(what + ": arrays are nested too deeply");
    }
    int type = int32(what);
    long count = count(what, type == 8 ? 8 : 1);
    List<Object> values = new ArrayList<>((int) Math.min(count, 1 << 20));
    for (long i = 0; i < count; i++) {
      values.add(value(type, what, depth + 1));
    }
    return values;
  }

  private ByteBuffer require(int bytes, String what) {
    if (window.remaining() < bytes) {
      long start = position();
      long available = Math.max(bytes, Math.min(WINDOW_BYTES, file.size() - start));
      window = file.read(start, (int) available, what);
      windowStart = start;
    }
    return window;
  }
}
