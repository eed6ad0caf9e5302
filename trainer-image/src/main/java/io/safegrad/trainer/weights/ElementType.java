package io.safegrad.trainer.weights;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Optional;

/**
 * How a checkpoint stores its numbers: in blocks of a fixed size, each of which can be widened to
 * float32 by itself. The quantised layouts are those of ggml ({@code ggml-common.h}, {@code
 * ggml-quants.c}).
 */
enum ElementType {
  F32(4, 1, 0) {
    @Override
    void decode(ByteBuffer blocks, FloatBuffer destination) {
      destination.put(blocks.asFloatBuffer());
    }
  },
  F16(2, 1, 1) {
    @Override
    void decode(ByteBuffer blocks, FloatBuffer destination) {
      while (blocks.hasRemaining()) {
        destination.put(HalfFloat.toFloat(blocks.getShort()));
      }
    }
  },
  BF16(2, 1, 30) {
    @Override
    void decode(ByteBuffer blocks, FloatBuffer destination) {
      while (blocks.hasRemaining()) {
        destination.put(Float.intBitsToFloat(blocks.getShort() << 16));
      }
    }
  },
  Q4_0(18, 32, 2) {
    @Override
    void decode(ByteBuffer blocks, FloatBuffer destination) {
      each(blocks, destination, QuantisedBlocks::q4Zero);
    }
  },
  Q4_1(20, 32, 3) {
    @Override
    void decode(ByteBuffer blocks, FloatBuffer destination) {
      each(blocks, destination, QuantisedBlocks::q4One);
    }
  },
  Q5_0(22, 32, 6) {
    @Override
    void decode(ByteBuffer blocks, FloatBuffer destination) {
      each(blocks, destination, QuantisedBlocks::q5Zero);
    }
  },
  Q5_1(24, 32, 7) {
    @Override
    void decode(ByteBuffer blocks, FloatBuffer destination) {
      each(blocks, destination, QuantisedBlocks::q5One);
    }
  },
  Q8_0(34, 32, 8) {
    @Override
    void decode(ByteBuffer blocks, FloatBuffer destination) {
      each(blocks, destination, QuantisedBlocks::q8Zero);
    }
  },
  Q4_K(144, 256, 12) {
    @Override
    void decode(ByteBuffer blocks, FloatBuffer destination) {
      each(blocks, destination, QuantisedBlocks::q4K);
    }
  },
  Q5_K(176, 256, 13) {
    @Override
    void decode(ByteBuffer blocks, FloatBuffer destination) {
      each(blocks, destination, QuantisedBlocks::q5K);
    }
  },
  Q6_K(210, 256, 14) {
    @Override
    void decode(ByteBuffer blocks, FloatBuffer destination) {
      each(blocks, destination, QuantisedBlocks::q6K);
    }
  };

  /** Widens one block. */
  @FunctionalInterface
  interface BlockDecoder {

    /**
     * @param blocks a buffer that holds the block; its position is not looked at
     * @param start the block's first byte
     * @param values receives the block's numbers
     */
    void decode(ByteBuffer blocks, int start, float[] values);
  }

  private final int blockBytes;
  private final int blockElements;
  private final int ggmlType;

  ElementType(int blockBytes, int blockElements, int ggmlType) {
    this.blockBytes = blockBytes;
    this.blockElements = blockElements;
    this.ggmlType = ggmlType;
  }

  /** The type that a GGUF file means by a number ({@code ggml_type}); empty when unsupported. */
  static Optional<ElementType> ofGgmlType(int number) {
    return Arrays.stream(values()).filter(type -> type.ggmlType == number).findFirst();
  }

  /** The number by which a GGUF file means this type. */
  int ggmlType() {
    return ggmlType;
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

  void each(ByteBuffer blocks, FloatBuffer destination, BlockDecoder decoder) {
    float[] values = new float[blockElements];
    for (int start = blocks.position(); start < blocks.limit(); start += blockBytes) {
      decoder.decode(blocks, start, values);
      destination.put(values);
    }
    blocks.position(blocks.limit());
  }

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
