package io.safegrad.trainer.weights;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class StorageTypeTest {

  @Test
  void everyHalfFloatIsItselfAgain() {
    for (int bits = 0; bits < 1 << 16; bits++) {
      float value = HalfFloat.toFloat((short) bits);
      if (!Float.isNaN(value)) {
        assertThat(HalfFloat.fromFloat(value)).isEqualTo((short) bits);
      }
    }
    assertThat(HalfFloat.toFloat(HalfFloat.fromFloat(Float.NaN))).isNaN();
  }

  /** Half-way cases as numpy's float16 rounds them. */
  @ParameterizedTest
  @CsvSource({
    "0x1.002p0, 0x3c00",
    "0x1.006p0, 0x3c02",
    "0x1.002002p0, 0x3c01",
    "0x1p-25, 0x0000",
    "0x1.8p-24, 0x0002",
    "0x1.000002p-25, 0x0001",
    "0x1.ffep-15, 0x0400",
    "65519.996, 0x7bff",
    "65520, 0x7c00",
    "-1e30, 0xfc00",
    "-0.0, 0x8000",
  })
  void betweenTwoHalfFloatsTheNearestIsTakenAndOfTwoTheEvenOne(String value, String bits) {
    assertThat(HalfFloat.fromFloat(Float.parseFloat(value)))
        .isEqualTo((short) Integer.decode(bits).intValue());
  }

  @ParameterizedTest
  @CsvSource({
    "0x1.01p0, 0x3f80",
    "0x1.03p0, 0x3f82",
    "0x1.010002p0, 0x3f81",
    "3.4028235e38, 0x7f80",
    "-0.0, 0x8000",
  })
  void bfloat16RoundsAsWell(String value, String bits) {
    assertThat(encode(StorageType.BFLOAT16, Float.parseFloat(value)).getShort())
        .isEqualTo((short) Integer.decode(bits).intValue());
  }

  @ParameterizedTest
  @EnumSource(
      value = StorageType.class,
      names = {"FLOAT32", "FLOAT16", "BFLOAT16"})
  void whatIsNotANumberStaysSo(StorageType type) {
    for (float value : new float[] {Float.NaN, Float.intBitsToFloat(0x7f800001)}) {
      FloatBuffer decoded = FloatBuffer.allocate(1);
      type.element().decode(encode(type, value), decoded);
      assertThat(decoded.get(0)).isNaN();
    }
  }

  @Test
  void aBlockOfZerosHasNoScale() {
    assertThat(encode(StorageType.Q8_0, new float[32]).array()).containsOnly(0);
  }

  private static ByteBuffer encode(StorageType type, float... values) {
    ByteBuffer bytes =
        ByteBuffer.allocate((int) type.bytes(values.length)).order(ByteOrder.LITTLE_ENDIAN);
    type.encode(FloatBuffer.wrap(values), bytes);
    return bytes.flip();
  }
}
