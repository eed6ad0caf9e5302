package io.safegrad.trainer.weights;

import java.nio.ByteBuffer;

/**
 * Widens ggml's quantised blocks; each method is one {@code dequantize_row_*} of {@code
 * ggml-quants.c} for a single block. Products are taken in the same order as there, so that results
 * are equal bit for bit.
 */
final class QuantisedBlocks {

  private static final int HALF = 16;

  private QuantisedBlocks() {}

  /** Scale, then 32 four-bit numbers less 8. */
  static void q4Zero(ByteBuffer blocks, int start, float[] values) {
    float scale = half(blocks, start);
    for (int i = 0; i < HALF; i++) {
      int pair = unsigned(blocks, start + 2 + i);
      values[i] = scale * ((pair & 0xf) - 8);
      values[i + HALF] = scale * ((pair >> 4) - 8);
    }
  }

  /** Scale and minimum, then 32 four-bit numbers. */
  static void q4One(ByteBuffer blocks, int start, float[] values) {
    float scale = half(blocks, start);
    float minimum = half(blocks, start + 2);
    for (int i = 0; i < HALF; i++) {
      int pair = unsigned(blocks, start + 4 + i);
      values[i] = scale * (pair & 0xf) + minimum;
      values[i + HALF] = scale * (pair >> 4) + minimum;
    }
  }

  /** Scale, the fifth bits, then 32 times four bits; less 16. */
  static void q5Zero(ByteBuffer blocks, int start, float[] values) {
    float scale = half(blocks, start);
    int fifthBits = blocks.getInt(start + 2);
    for (int i = 0; i < HALF; i++) {
      int pair = unsigned(blocks, start + 6 + i);
      values[i] = scale * ((pair & 0xf | (fifthBits >>> i & 1) << 4) - 16);
      values[i + HALF] = scale * ((pair >> 4 | (fifthBits >>> i + HALF & 1) << 4) - 16);
    }
  }

  /** Scale and minimum, the fifth bits, then 32 times four bits. */
  static void q5One(ByteBuffer blocks, int start, float[] values) {
    float scale = half(blocks, start);
    float minimum = half(blocks, start + 2);
    int fifthBits = blocks.getInt(start + 4);
    for (int i = 0; i < HALF; i++) {
      int pair = unsigned(blocks, start + 8 + i);
      values[i] = scale * (pair & 0xf | (fifthBits >>> i & 1) << 4) + minimum;
      values[i + HALF] = scale * (pair >> 4 | (fifthBits >>> i + HALF & 1) << 4) + minimum;
    }
  }

  /** Scale, then 32 signed bytes. */
  static void q8Zero(ByteBuffer blocks, int start, float[] values) {
    float scale = half(blocks, start);
    for (int i = 0; i < values.length; i++) {
      values[i] = scale * blocks.get(start + 2 + i);
    }
  }

  /** Two half floats, eight six-bit pairs of scale and minimum, then 256 four-bit numbers. */
  static void q4K(ByteBuffer blocks, int start, float[] values) {
    float scale = half(blocks, start);
    float minimum = half(blocks, start + 2);
    int scales = start + 4;
    int pairs = start + 16;
    for (int group = 0; group < 8; group++) {
      float groupScale = scale * sixBitScale(blocks, scales, group);
      float groupMinimum = minimum * sixBitMinimum(blocks, scales, group);
      int shift = group % 2 * 4;
      for (int i = 0; i < 32; i++) {
        int number = unsigned(blocks, pairs + group / 2 * 32 + i) >> shift & 0xf;
        values[group * 32 + i] = groupScale * number - groupMinimum;
      }
    }
  }

  /** As {@link #q4K}, with a fifth bit for each number. */
  static void q5K(ByteBuffer blocks, int start, float[] values) {
    float scale = half(blocks, start);
    float minimum = half(blocks, start + 2);
    int scales = start + 4;
    int fifthBits = start + 16;
    int pairs = start + 48;
    for (int group = 0; group < 8; group++) {
      float groupScale = scale * sixBitScale(blocks, scales, group);
      float groupMinimum = minimum * sixBitMinimum(blocks, scales, group);
      int shift = group % 2 * 4;
      for (int i = 0; i < 32; i++) {
        int low = unsigned(blocks, pairs + group / 2 * 32 + i) >> shift & 0xf;
        int high = unsigned(blocks, fifthBits + i) >> group & 1;
        values[group * 32 + i] = groupScale * (low | high << 4) - groupMinimum;
      }
    }
  }

  /** 256 numbers of four low and two high bits less 32, sixteen signed scales, and their scale. */
  static void q6K(ByteBuffer blocks, int start, float[] values) {
    int low = start;
    int high = start + 128;
    int scales = start + 192;
    float scale = half(blocks, start + 208);
    for (int group = 0; group < 8; group++) {
      int half = group / 4;
      int quarter = group % 4;
      for (int i = 0; i < 32; i++) {
        int fourBits =
            unsigned(blocks, low + half * 64 + quarter % 2 * 32 + i) >> quarter / 2 * 4 & 0xf;
        int twoBits = unsigned(blocks, high + half * 32 + i) >> quarter * 2 & 3;
        float groupScale = scale * blocks.get(scales + group * 2 + i / 16);
        values[group * 32 + i] = groupScale * ((fourBits | twoBits << 4) - 32);
      }
    }
  }

  /** {@code get_scale_min_k4}: the last four scales take their high bits from the first four. */
  private static int sixBitScale(ByteBuffer blocks, int scales, int group) {
    return group < 4
        ? unsigned(blocks, scales + group) & 63
        : unsigned(blocks, scales + group + 4) & 0xf
            | unsigned(blocks, scales + group - 4) >> 6 << 4;
  }

  private static int sixBitMinimum(ByteBuffer blocks, int scales, int group) {
    return group < 4
        ? unsigned(blocks, scales + group + 4) & 63
        : unsigned(blocks, scales + group + 4) >> 4 | unsigned(blocks, scales + group) >> 6 << 4;
  }

  private static float half(ByteBuffer blocks, int position) {
    return HalfFloat.toFloat(blocks.getShort(position));
  }

  private static int unsigned(ByteBuffer blocks, int position) {
    return blocks.get(position) & 0xff;
  }
}
