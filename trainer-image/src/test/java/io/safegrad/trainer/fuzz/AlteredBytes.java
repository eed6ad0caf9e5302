package io.safegrad.trainer.fuzz;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Alters bytes: flips, numbers at their edges, cuts, repeats, and splices with another input. Every
 * other change is near the start or the end, where binary files have their headers.
 */
final class AlteredBytes implements Alteration {

  private static final int NEAR = 512;

  private static final long[] EDGES = {
    0,
    1,
    -1,
    7,
    100,
    127,
    128,
    255,
    1 << 15,
    1 << 16,
    1 << 24,
    Integer.MAX_VALUE,
    Integer.MAX_VALUE - 8,
    1L << 31,
    1L << 32,
    Integer.MIN_VALUE,
    Long.MAX_VALUE,
    Long.MAX_VALUE - 8,
    Long.MIN_VALUE,
    Float.floatToIntBits(Float.NaN),
    Double.doubleToLongBits(Double.POSITIVE_INFINITY)
  };

  @Override
  public byte[] of(byte[] input, byte[] other, SplittableRandom random) {
    byte[] bytes = input.clone();
    for (int i = random.nextInt(4); i >= 0; i--) {
      bytes = once(bytes, other, random);
    }
    return bytes;
  }

  private static byte[] once(byte[] bytes, byte[] other, SplittableRandom random) {
    int at = position(bytes.length, random);
    int length = Math.min(1 << random.nextInt(10), bytes.length - at);
    switch (random.nextInt(9)) {
      case 0, 1 -> {
        if (bytes.length > 0) {
          bytes[Math.min(at, bytes.length - 1)] ^= (byte) (1 << random.nextInt(8));
        }
      }
      case 2 -> {
        if (bytes.length > 0) {
          bytes[Math.min(at, bytes.length - 1)] = (byte) random.nextInt();
        }
      }
      case 3, 4 -> writeEdge(bytes, at, random);
      case 5 -> {
        return Arrays.copyOf(bytes, at);
      }
      case 6 -> {
        return splice(bytes, at, at + length, new byte[0], 1);
      }
      case 7 -> {
        byte[] part = Arrays.copyOfRange(bytes, at, at + length);
        int room = (Alteration.MAX_BYTES - bytes.length) / Math.max(1, length);
        return splice(bytes, at, at, part, Math.max(0, Math.min(room, 1 << random.nextInt(8))));
      }
      default -> {
        int from = position(other.length, random);
        int taken = Math.min(1 << random.nextInt(12), other.length - from);
        return splice(bytes, at, at + length, Arrays.copyOfRange(other, from, from + taken), 1);
      }
    }
    return bytes;
  }

  /** From 0 to the length. */
  private static int position(int length, SplittableRandom random) {
    int near = Math.min(length, NEAR);
    return switch (random.nextInt(4)) {
      case 0 -> random.nextInt(near + 1);
      case 1 -> length - random.nextInt(near + 1);
      default -> random.nextInt(length + 1);
    };
  }

  private static void writeEdge(byte[] bytes, int at, SplittableRandom random) {
    ByteBuffer buffer =
        ByteBuffer.wrap(bytes)
            .order(random.nextBoolean() ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
    long value = EDGES[random.nextInt(EDGES.length)];
    int width = 1 << random.nextInt(4);
    if (at + width <= bytes.length) {
      switch (width) {
        case 1 -> buffer.put(at, (byte) value);
        case 2 -> buffer.putShort(at, (short) value);
        case 4 -> buffer.putInt(at, (int) value);
        default -> buffer.putLong(at, value);
      }
    }
  }

  private static byte[] splice(byte[] bytes, int start, int end, byte[] part, int times) {
    ByteArrayOutputStream spliced = new ByteArrayOutputStream(bytes.length);
    spliced.write(bytes, 0, start);
    for (int i = 0; i < times; i++) {
      spliced.writeBytes(part);
    }
    spliced.write(bytes, end, bytes.length - end);
    return spliced.toByteArray();
  }
}
