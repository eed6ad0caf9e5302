package io.safegrad.trainer.fuzz;

import java.util.List;
import java.util.SplittableRandom;

/** The inputs of a reader by number: first the valid ones and past findings, then altered ones. */
final class FuzzInputs {

  private final FuzzedReader reader;
  private final List<byte[]> seeds;
  private final long seed;

  FuzzInputs(FuzzedReader reader, long seed) {
    this.reader = reader;
    this.seeds = reader.seeds();
    this.seed = seed;
  }

  byte[] get(long index) {
    if (index < seeds.size()) {
      return seeds.get((int) index);
    }
    SplittableRandom random = new SplittableRandom(seed).split();
    random = new SplittableRandom(random.nextLong() + index * 0x9E3779B97F4A7C15L);
    byte[] input = seeds.get(random.nextInt(seeds.size()));
    byte[] other = seeds.get(random.nextInt(seeds.size()));
    return reader.alteration().of(input, other, random);
  }
}
