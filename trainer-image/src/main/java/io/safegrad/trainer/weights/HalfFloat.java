package io.safegrad.trainer.weights;

/** IEEE 754 binary16, which Java 17 has no conversion for. */
final class HalfFloat {

  private HalfFloat() {}

  /** Widens exactly; infinities and NaN are kept. */
  static float toFloat(short bits) {
    int sign = (bits & 0x8000) << 16;
    int exponent = (bits >> 10) & 0x1f;
    int mantissa = bits & 0x3ff;
    if (exponent == 0) {
      // Zero or subnormal: mantissa * 2^-24, exact in float32.
      float magnitude = mantissa * 0x1p-24f;
      return sign == 0 ? magnitude : -magnitude;
    }
    int widened = exponent == 0x1f ? 0xff : exponent - 15 + 127;
    return Float.intBitsToFloat(sign | widened << 23 | mantissa << 13);
  }

  /** Rounds to the nearest, ties to even; beyond 65504 to infinity. */
  static short fromFloat(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = bits >>> 16 & 0x8000;
    int magnitude = bits & 0x7fffffff;
    if (Float.isNaN(value)) {
      return (short) (sign | 0x7e00);
    }
    if (magnitude >= 0x47800000) {
      return (short) (sign | 0x7c00);
    }
    if (magnitude < 0x38800000) {
      // Zero or subnormal: a multiple of 2^-24, scaled exactly in double.
      return (short) (sign | (int) Math.rint(Math.abs((double) value) * 0x1p24));
    }
    int rebased = magnitude - (127 - 15 << 23);
    return (short) (sign | rebased + 0xfff + (rebased >>> 13 & 1) >>> 13);
  }
}
