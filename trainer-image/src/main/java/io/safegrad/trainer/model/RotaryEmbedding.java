package io.safegrad.trainer.model;

/**
 * Rotary position embedding (arXiv 2104.09864): the angle of pair i at position t is {@code t ·
 * frequencies[i]}.
 *
 * @param frequencies one per pair of a head's elements, in radians per position; fewer than a head
 *     has pairs when only its first elements are rotated, none when nothing is
 * @param magnitude factor of cosines and sines
 * @param maxPositions positions for which this holds
 */
public record RotaryEmbedding(float[] frequencies, double magnitude, int maxPositions) {

  /** No position embedding (some layers of SmolLM3). */
  static final RotaryEmbedding NONE = of(new float[0]);

  private static RotaryEmbedding of(float[] frequencies) {
    return new RotaryEmbedding(frequencies, 1, Integer.MAX_VALUE);
  }

  /**
   * The plain form: {@code theta^(-2i / dim)}.
   *
   * @param dim elements of a head that are rotated
   */
  static RotaryEmbedding plain(int dim, double theta) {
    float[] frequencies = new float[dim / 2];
    for (int i = 0; i < frequencies.length; i++) {
      frequencies[i] = (float) Math.pow(theta, -2.0 * i / dim);
    }
    return of(frequencies);
  }

  /** Hugging Face's {@code rope_type: linear}: positions are divided by the factor. */
  RotaryEmbedding linear(double factor) {
    float[] scaled = new float[frequencies.length];
    for (int i = 0; i < scaled.length; i++) {
      scaled[i] = (float) (frequencies[i] / factor);
    }
    return of(scaled);
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
    return of(scaled);
  }

  /**
   * LongRoPE (arXiv 2402.13753) within the original context, as Hugging Face's {@code rope_type:
   * longrope} has it there; beyond it the frequencies of the whole sequence would be others.
   *
   * @param shortFactors what each frequency is divided by
   */
  RotaryEmbedding longRope(double[] shortFactors, double magnitude, int originalLength) {
    float[] scaled = new float[frequencies.length];
    for (int i = 0; i < scaled.length; i++) {
      scaled[i] = (float) (frequencies[i] / shortFactors[i]);
    }
    return new RotaryEmbedding(scaled, magnitude, originalLength);
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
            (float) (magnitude * (cosine ? Math.cos(angle) : Math.sin(angle)));
      }
    }
    return values;
  }
}
