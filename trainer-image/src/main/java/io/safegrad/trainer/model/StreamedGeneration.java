package io.safegrad.trainer.model;

import io.safegrad.trainer.tensor.Operators;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import java.util.ArrayList;
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
    config.requireSupportedLength(prompt.length + maxNewTokens);
    Random random = sampling.random();
    try (Scope reply = scope.child()) {
      List<Tensor> keys = new ArrayList<>();
      List<Tensor> values = new ArrayList<>();
      long[] shape = {1, config.keyValueHeads(), prompt.length + maxNewTokens, config.headDim()};
      for (int i = 0; i < config.layers(); i++) {
        keys.add(reply.uninitialised(shape));
        values.add(reply.uninitialised(shape));
      }
      int[] next = prompt;
      int position = 0;
      for (int count = 0; count < maxNewTokens; count++) {
        float[] logits = logits(reply, model, gate, next, position, keys, values);
        int chosen = sampling.next(logits, random);
        if (endOfSequenceIds.contains(chosen)) {
          return;
        }
        token.accept(chosen);
        position += next.length;
        next = new int[] {chosen};
      }
    }
  }

  private float[] logits(
      Scope scope,
      ModelTensors model,
      Tensor gate,
      int[] ids,
      int position,
      List<Tensor> keys,
      List<Tensor> values) {
    try (Scope step = scope.child()) {
      Tensor x = decoder.embed(step, model, decoder.ids(step, ids));
      for (int i = 0; i < config.layers(); i++) {
        Tensor y =
            decoder.decode(
                step, x, gate, model, i, keys.get(i), values.get(i), position, ids.length);
        x.close();
        x = y;
      }
      return operators
          .one(
              step,
              "last_logits",
              x,
              model.norm(),
              model.head(),
              ids.length,
              config.rmsNormEps(),
              config.normOffset(),
              config.logitSoftCap())
          .toFloatArray();
    }
  }
}
