package io.safegrad.trainer.model;

import io.safegrad.api.v1alpha1.Lora;
import io.safegrad.api.v1alpha1.Model.Storage;

/** How much memory an architecture's tensors take, and what one of its layers computes. */
record ModelSize(ModelConfig config) {

  /** Bytes of all weights, as {@link ModelLoader} keeps them. */
  long weights(Storage storage) {
    long bytes =
        (config.tiedHead() ? 1 : 2) * kept(storage, config.vocabSize(), config.hiddenSize(), true);
    for (LinearGroup group : LinearGroup.all(config)) {
      bytes += config.layers() * kept(storage, group.out(), group.in(), false);
    }
    long norms =
        config.hiddenSize() * (config.blockOutputNorms() ? 4L : 2L)
            + (config.qkNorm() ? 2L * config.headDim() : 0);
    long bias = config.qkvBias() ? config.queryWidth() + 2L * config.keyValueWidth() : 0;
    return bytes + floats(config.layers() * (norms + bias) + config.hiddenSize());
  }

  private static long kept(Storage storage, long rows, long columns, boolean vocabulary) {
    return switch (storage) {
      case Float32 -> floats(rows * columns);
      case BFloat16 -> 2 * rows * columns;
      // A scale in float64 and a zero point in int64 for each row.
      case Int8 -> vocabulary ? 2 * rows * columns : rows * columns + 16 * rows;
    };
  }

  /** Bytes of an adapter's factors. */
  long adapter(Lora lora) {
    long parameters = 0;
    for (LinearGroup group : LinearGroup.all(config)) {
      for (LinearGroup.Linear linear : group.linears()) {
        parameters += linear.adaptedBy(lora) ? (long) lora.rank() * (group.in() + linear.out()) : 0;
      }
    }
    return floats(config.layers() * parameters);
  }

  /** Bytes of a model that is kept in float32 and only computes forward. */
  long forwardOnly(long tokens) {
    return weights(Storage.Float32) + floats(2 * tokens * (layerWidth() + config.hiddenSize()));
  }

  /** Values that a layer saves for each token besides its input, without its adapters. */
  long layerWidth() {
    return qkvWidth()
        + (config.qkNorm() ? config.queryWidth() + config.keyValueWidth() : 0)
        + config.queryWidth()
        + config.heads()
        + config.hiddenSize()
        + 2L * config.intermediateSize()
        + (config.blockOutputNorms() ? 2L * config.hiddenSize() : 0);
  }

  /** Queries, keys and values of a token. */
  long qkvWidth() {
    return config.queryWidth() + 2L * config.keyValueWidth();
  }

  /** The A x of a layer's adapters, side by side. */
  long adapterWidth(Lora lora) {
    return lora.rank()
        * LinearGroup.all(config).stream()
            .flatMap(group -> group.linears().stream())
            .filter(linear -> linear.adaptedBy(lora))
            .count();
  }

  private static long floats(long count) {
    return Float.BYTES * count;
  }
}
