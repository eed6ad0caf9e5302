package io.safegrad.trainer.weights;

import java.nio.FloatBuffer;

/** Whole tensors as arrays, for comparing them. */
final class Tensors {

  private Tensors() {}

  static float[] read(Weights weights, String name) {
    FloatBuffer values =
        FloatBuffer.allocate((int) SafetensorsHeader.elements(weights.shape(name)));
    weights.readFloat32(name, values);
    if (values.hasRemaining()) {
      throw new AssertionError(values.remaining() + " values of " + name + " were not read");
    }
    return values.array();
  }
}
