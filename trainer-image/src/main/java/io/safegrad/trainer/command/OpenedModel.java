package io.safegrad.trainer.command;

import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.ModelConfig;
import io.safegrad.trainer.weights.PretrainedModel;
import io.safegrad.trainer.weights.Weights;
import java.io.Closeable;
import java.io.IOException;

/**
 * The model of a command line.
 *
 * @param pretrained its files
 * @param config its architecture
 * @param weights those of the files, the adapter added where there is one
 */
record OpenedModel(PretrainedModel pretrained, ModelConfig config, Weights weights)
    implements Closeable {

  /** Reads the weights into memory. */
  CausalLm load() {
    return CausalLm.load(config, weights);
  }

  @Override
  public void close() throws IOException {
    try {
      weights.close();
    } finally {
      pretrained.close();
    }
  }
}
