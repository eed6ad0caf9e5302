package io.safegrad.trainer.model;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * How the next token is chosen, in the terms of Hugging Face's generation.
 *
 * @param temperature logits are divided by it; 0 takes the likeliest token always
 * @param topP only the likeliest tokens that have this much of the probability together are drawn
 *     from, above 0; 1 for all
 * @param seed of the draws: the same seed gives the same reply
 */
public record Sampling(double temperature, double topP, long seed) {

  /** The likeliest token, always. */
  public static final Sampling GREEDY = new Sampling(0, 1, 0);

  /**
   * @throws IllegalArgumentException for a negative temperature, or a topP that is not in (0, 1]
   */
  public Sampling {
    if (!(temperature >= 0 && temperature < Double.POSITIVE_INFINITY) || !(topP > 0 && topP <= 1)) {
      throw new IllegalArgumentException(
          "expected a temperature of at least 0 and a top_p above 0 and up to 1");
    }
  }

  /** Draws by the seed. */
  Random random() {
    return new Random(seed);
  }

  /**
   * The next token.
   *
   * @param logits of the whole vocabulary
   */
  int next(float[] logits, Random random) {
    int likeliest = 0;
    for (int i = 1; i < logits.length; i++) {
      likeliest = logits[i] > logits[likeliest] ? i : likeliest;
    }
    return temperature == 0 ? likeliest : draw(logits, logits[likeliest], random);
  }

  private int draw(float[] logits, float largest, Random random) {
    double[] weights = new double[logits.length];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = Math.exp((logits[i] - largest) / temperature);
    }
    double total = Arrays.stream(weights).sum();
    Integer[] tokens = IntStream.range(0, weights.length).boxed().toArray(Integer[]::new);
    if (topP < 1) {
      Arrays.sort(tokens, Comparator.comparingDouble(i -> -weights[i]));
    }
    double kept = topP < 1 ? kept(tokens, weights, topP * total) : total;
    double left = random.nextDouble() * kept;
    for (int token : tokens) {
      left -= weights[token];
      if (left < 0) {
        return token;
      }
    }
    return tokens[0]; // the sum of the weights and their subtraction differ in the last bit
  }

  /** The weight of the likeliest tokens, up to and with the one that reaches the wanted weight. */
  private static double kept(Integer[] byWeight, double[] weights, double wanted) {
    double sum = 0;
    for (int token : byWeight) {
      sum += weights[token];
      if (sum >= wanted) {
        break;
      }
    }
    return sum;
  }
}
