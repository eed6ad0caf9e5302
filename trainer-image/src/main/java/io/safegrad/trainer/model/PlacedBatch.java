package io.safegrad.trainer.model;

import io.safegrad.trainer.tensor.Tensor;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Sequences that lie one behind the other, as a model's operators take them.
 *
 * @param ids [tokens]
 * @param runs how many sequences of which length, again and again
 * @param starts where each begins and the last one ends, [sequences + 1]; empty on a processor,
 *     whose attention goes run by run
 * @param rotations of each token's position, by embedding
 */
record PlacedBatch(
    Tensor ids, long[] runs, Tensor starts, Map<RotaryEmbedding, RotaryTables.Table> rotations) {

  /** Where each sequence begins, and where the last one ends. */
  static int[] starts(long[] runs) {
    int[] lengths =
        IntStream.range(0, runs.length / 2)
            .flatMap(
                run -> IntStream.range(0, (int) runs[2 * run]).map(row -> (int) runs[2 * run + 1]))
            .toArray();
    int[] starts = new int[lengths.length + 1];
    for (int i = 0; i < lengths.length; i++) {
      starts[i + 1] = starts[i] + lengths[i];
    }
    return starts;
  }
}
