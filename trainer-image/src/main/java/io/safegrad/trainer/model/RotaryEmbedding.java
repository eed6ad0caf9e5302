package io.safegrad.trainer.model;

/**
 * Rotary position embedding (arXiv 2104.09864): the angle of pair i at position t is {@code t ·
 * frequencies[i]}.
 *
 * @param frequencies one per pair of a head's elements, in radians per position
 */
public record RotaryEmbedding(float[] frequencies) {

  /** The plain form: {@code theta^(-2i / headDim)}. */
  static RotaryEmbedding plain(int headDim, double theta) {
    float[] frequencies = new float[headDim / 2];
    for (int i = 0; i < frequencies.length; i++) {
      frequencies[i] = (float) Math.pow(theta, -2.0 * i / headDim);
    }
    return new RotaryEmbedding(frequencies);
  }

  /**
   * Llama 3's scaling to longer contexts, as Hugging Face's {@code rope_type: llama3}: long
   * wavelengths are stretched by the factor, short ones kept, and those between interpolated.
   */
  RotaryEmbedding llama3(
      double factor, double lowFrequencyFactor, double highFrequencyFactor, double originalLength) {
    float[] scaled = new float[frequencies.length];
    for (int i = 0; i < scaled.length; i++) {
      double turns = originalLength * frequencies[i] / (2 * Math.PI);
      double keep = (turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
      keep = Math.max(0, Math.min(1, keep));
      scaled[i] = (float) ((1 - keep) * frequencies[i] / factor + keep * frequencies[i]);
    }
    return new RotaryEmbedding(scaled);
  }

  /** Cosines of the angles at positions 0 to length - 1: [length, 1, pairs]. */
  float[] cosines(int length) {
    return table(length, true);
  }

  /** Sines of the angles at positions 0 to length - 1: [length, 1, pairs]. */
  float[] sines(int length) {
    return table(length, false);
  }

  private float[] table(int length, boolean cosine) {
    float[] values = new float[length * frequencies.length];
    for (int position = 0; position < length; position++) {
      for (int i = 0; i < frequencies.length; i++) {
        // The product in float32, as transformers has it.
        double angle = (float) position * frequencies[i];
        values[position * frequencies.length + i] =
            (float) (cosine ? Math.cos(angle) : Math.sin(angle));
      }
    }
    return values;
  }
}
