package io.safegrad.trainer.model;

import io.safegrad.trainer.tensor.Operators;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.IntConsumer;

/** Decoding of one prompt with a key-value cache, token by token. */
final class StreamedGeneration {

  private final ModelConfig config;
  private final Operators operators;
  private final Decoder decoder;

  StreamedGeneration(ModelConfig config, Operators operators, Decoder decoder) {
    this.config = config;
    this.operators = operators;
    this.decoder = decoder;
  }

  /** As {@link CausalLm#generate(int[], int, Set, Sampling, IntConsumer)}. */
  void generate(
      Scope scope,
      ModelTensors model,
      Tensor gate,
      int[] prompt,
      int maxNewTokens,
      Set<Integer> endOfSequenceIds,
      Sampling sampling,
      IntConsumer token) {
    Random random = sampling.random();
    try (Scope reply = scope.child()) {
      CachedDecoding decoding =
          new CachedDecoding(config, operators, decoder, model, gate, reply, "last_logits");
      int[] last = {};
      for (int count = 0; count < maxNewTokens; count++) {
        float[] logits;
        try (Scope step = reply.child()) {
          Tensor told =
              count == 0
                  ? decoding.read(step, List.of(prompt), maxNewTokens)
                  : decoding.next(step, last);
          logits = told.toFloatArray();
        }
        int chosen = sampling.next(logits, random);
        if (endOfSequenceIds.contains(chosen)) {
          return;
        }
        token.accept(chosen);
        last = new int[] {chosen};
      }
    }
  }
}
