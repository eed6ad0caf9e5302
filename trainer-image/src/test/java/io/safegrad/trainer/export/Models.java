package io.safegrad.trainer.export;

import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.weights.FloatTensor;
import io.safegrad.trainer.weights.Weights;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What tests look at in a model. */
public final class Models {

  private Models() {}

  /** All weights. */
  public static Map<String, FloatTensor> tensors(Weights weights) {
    Map<String, FloatTensor> tensors = new TreeMap<>();
    for (String name : weights.names()) {
      long[] shape = weights.shape(name);
      float[] values = new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
      weights.readFloat32(name, FloatBuffer.wrap(values));
      tensors.put(name, new FloatTensor(shape, values));
    }
    return tensors;
  }

  /** The logits at every position of a text of tokens. */
  public static float[] logits(CausalLm model, int... ids) {
    return model.losses().logits(Batch.of(List.of(new TokenizedExample(ids, ids, 1)))).values();
  }

  /** The largest difference of two vectors, as a share of the largest number in the first. */
  public static double difference(float[] a, float[] b) {
    double largest = 0;
    double difference = 0;
    for (int i = 0; i < a.length; i++) {
      largest = Math.max(largest, Math.abs(a[i]));
      difference = Math.max(difference, Math.abs(a[i] - b[i]));
    }
    return difference / largest;
  }
}
