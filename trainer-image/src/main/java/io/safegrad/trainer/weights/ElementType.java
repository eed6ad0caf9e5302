package io.safegrad.trainer.weights;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;

/**
 * How a checkpoint stores its numbers: in blocks of a fixed size, each of which can be widened to
 * float32 by itself. The quantised layouts are those of ggml ({@code ggml-common.h}, {@code
 * ggml-quants.c}).
 */
enum ElementType {
  F32(4, 1) {
    @Override
    void decode(ByteBuffer blocks, FloatBuffer destination) {
      destination.put(blocks.asFloatBuffer());
    }
  },
  F16(2, 1) {
    @Override
    void decode(ByteBuffer blocks, FloatBuffer destination) {
      while (blocks.hasRemaining()) {
        destination.put(HalfFloat.toFloat(blocks.getShort()));
      }
    }
  },
  BF16(2, 1) {
    @Override
    void decode(ByteBuffer blocks, FloatBuffer destination) {
      while (blocks.hasRemaining()) {
        destination.put(Float.intBitsToFloat(blocks.getShort() << 16));
      }
    }
  };

  private final int blockBytes;
  private final int blockElements;

  ElementType(int blockBytes, int blockElements) {
    this.blockBytes = blockBytes;
    this.blockElements = blockElements;
  }

  /** Bytes of one block. */
  int blockBytes() {
    return blockBytes;
  }

  /** Numbers in one block. */
  int blockElements() {
    return blockElements;
  }

  /**
   * Widens all blocks of a little-endian buffer.
   *
   * @param blocks a whole number of blocks, read to its limit
   * @param destination takes the numbers from its position on
   */
  abstract void decode(ByteBuffer blocks, FloatBuffer destination);

  /** Refuses a destination that cannot take the whole tensor. */
  static void requireRoom(String name, long elements, FloatBuffer destination) {
    if (destination.remaining() < elements) {
      throw new IllegalArgumentException(
          "tensor "
              + name
              + " has "
              + elements
              + " elements, the destination has room for "
              + destination.remaining());
    }
  }
}
