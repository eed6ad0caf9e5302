package io.safegrad.trainer.train;

import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.ReferenceModel;
import io.safegrad.trainer.model.ReferenceModel.AlignmentBatch;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * Draws the alignment examples of a pass, as many as there are, in proportion to the KL divergence
 * that each has when the pass begins; one draw in ten is at random. The first pass, where nothing
 * has diverged, and the user's examples, told by their number, are shuffled.
 */
final class DivergenceOrder implements ExampleOrder {

  private static final double AT_RANDOM = 0.1;

  private final CausalLm model;
  private ReferenceModel reference;

  DivergenceOrder(CausalLm model) {
    this.model = model;
  }

  /** Tells what the start model says of the alignment examples. */
  void compareWith(ReferenceModel start) {
    reference = start;
  }

  @Override
  public int[] pass(int size, Random random) {
    if (reference == null || reference.size() != size) {
      return SHUFFLED.pass(size, random);
    }
    double[] divergences = IntStream.range(0, size).mapToDouble(this::divergence).toArray();
    double sum = Arrays.stream(divergences).sum();
    return sum > 0
        ? IntStream.range(0, size).map(i -> draw(divergences, sum, random)).toArray()
        : SHUFFLED.pass(size, random);
  }

  private double divergence(int index) {
    AlignmentBatch alone = reference.batch(List.of(index));
    return Math.max(0, model.losses().klDivergence(alone) / alone.responseTokens());
  }

  private static int draw(double[] divergences, double sum, Random random) {
    int last = divergences.length - 1;
    if (random.nextDouble() < AT_RANDOM) {
      return random.nextInt(divergences.length);
    }
    double left = random.nextDouble() * sum;
    for (int i = 0; i < last; i++) {
      left -= divergences[i];
      if (left < 0) {
        return i;
      }
    }
    return last;
  }
}
