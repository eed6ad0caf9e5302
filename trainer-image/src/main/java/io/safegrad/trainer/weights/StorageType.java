package io.safegrad.trainer.weights;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;

/** How numbers are stored in the files that this trainer writes. */
public enum StorageType {
  FLOAT32(ElementType.F32) {
    @Override
    void encode(FloatBuffer values, ByteBuffer destination) {
      int end = destination.position() + values.remaining() * Float.BYTES;
      destination.asFloatBuffer().put(values);
      destination.position(end);
    }
  },
  FLOAT16(ElementType.F16) {
    @Override
    void encode(FloatBuffer values, ByteBuffer destination) {
      while (values.hasRemaining()) {
        destination.putShort(HalfFloat.fromFloat(values.get()));
      }
    }
  },
  BFLOAT16(ElementType.BF16) {
    @Override
    void encode(FloatBuffer values, ByteBuffer destination) {
      while (values.hasRemaining()) {
        destination.putShort(bfloat16(values.get()));
      }
    }
  },
  /** ggml's blocks of 32 signed bytes with a common scale. */
  Q8_0(ElementType.Q8_0) {
    @Override
    void encode(FloatBuffer values, ByteBuffer destination) {
      float[] block = new float[blockElements()];
      while (values.hasRemaining()) {
        values.get(block);
        q8Zero(block, destination);
      }
    }
  };

  private static final int Q8_MAX = 127;
  private static final int QUIET_BFLOAT16 = 0x40;

  private final ElementType element;

  StorageType(ElementType element) {
    this.element = element;
  }

  /**
   * Appends numbers, each rounded to the nearest that can be stored.
   *
   * @param values a whole number of blocks
   * @param destination little-endian
   */
  abstract void encode(FloatBuffer values, ByteBuffer destination);

  /** The layout in a file. */
  ElementType element() {
    return element;
  }

  /** Numbers that are stored together; a row of a matrix holds a whole number of such blocks. */
  public int blockElements() {
    return element.blockElements();
  }

  /** Bytes of a tensor of some elements. */
  public long bytes(long elements) {
    return elements / element.blockElements() * element.blockBytes();
  }

  /** The upper half of the bits, ties to even; what is not a number stays so. */
  private static short bfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) (bits >>> 16 | QUIET_BFLOAT16);
    }
    return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
  }

  /** {@code quantize_row_q8_0_ref} of {@code ggml-quants.c} for one block. */
  private static void q8Zero(float[] block, ByteBuffer destination) {
    float largest = 0;
    for (float value : block) {
      largest = Math.max(largest, Math.abs(value));
    }
    float scale = largest / Q8_MAX;
    float inverse = scale == 0 ? 0 : 1 / scale;
    destination.putShort(HalfFloat.fromFloat(scale));
    for (float value : block) {
      double scaled = value * inverse;
      // C's roundf: halves away from zero.
      destination.put((byte) (Math.signum(scaled) * Math.floor(Math.abs(scaled) + 0.5)));
    }
  }
}
