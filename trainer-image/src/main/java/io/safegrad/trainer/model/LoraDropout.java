package io.safegrad.trainer.model;

/**
 * The dropout of a pass through the model: what of each linear's input does not enter its adapter.
 * What is drawn depends on the run's seed, on the pass and on the layer alone.
 *
 * @param share of the elements, 0 for none
 * @param tokens how many of the first tokens of the flat batch it is about
 * @param seed of the pass
 */
record LoraDropout(double share, int tokens, long seed) {

  static final LoraDropout NONE = new LoraDropout(0, 0, 0);

  /** Torch's generator takes 32 bits of a seed; the last three name the layer's linears. */
  private static final long LAYER_SEED = 0xFFFFFFF8L;

  /** The same of one of several parts of a pass's tokens. */
  LoraDropout of(int partTokens, int part) {
    return new LoraDropout(share, partTokens, part == 0 ? seed : mixed(seed + part));
  }

  /** What a layer's masks are drawn from, as {@code decoder_layer.torchscript} says. */
  long[] dropped(int layer) {
    return new long[] {tokens, mixed(seed + layer) & LAYER_SEED};
  }

  /** The finaliser of SplitMix64, which spreads neighbouring numbers. */
  static long mixed(long value) {
    long z = (value ^ (value >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
