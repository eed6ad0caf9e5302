package io.safegrad.trainer.study;

import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.ReferenceModel;
import io.safegrad.trainer.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Chooses examples that cover the others: each next one is the farthest from those chosen, by the
 * start model's last hidden states, averaged over the prompt's tokens (Gonzalez 1985).
 */
final class KCenter {

  private KCenter() {}

  /** The indexes of so many of them; the first one is the first. */
  static List<Integer> choose(CausalLm model, List<TokenizedExample> examples, int count) {
    List<float[]> features = features(model, examples);
    double[] distance = new double[features.size()];
    Arrays.fill(distance, Double.POSITIVE_INFINITY);
    List<Integer> chosen = new ArrayList<>();
    for (int next = 0; chosen.size() < count; ) {
      chosen.add(next);
      for (int i = 0; i < distance.length; i++) {
        distance[i] = Math.min(distance[i], squared(features.get(i), features.get(next)));
      }
      next =
          IntStream.range(0, distance.length)
              .reduce((a, b) -> distance[b] > distance[a] ? b : a)
              .orElseThrow();
    }
    return chosen;
  }

  private static List<float[]> features(CausalLm model, List<TokenizedExample> examples) {
    List<TokenizedExample> prompts = examples.stream().map(KCenter::promptLabelled).toList();
    try (ReferenceModel reference = model.reference(prompts)) {
      return IntStream.range(0, prompts.size())
          .mapToObj(i -> mean(reference.batch(List.of(i)).states().get(0)))
          .toList();
    }
  }

  /** A reference keeps the states before labelled tokens: so the prompt is labelled. */
  private static TokenizedExample promptLabelled(TokenizedExample example) {
    int prompt =
        (int)
            Arrays.stream(example.labels())
                .takeWhile(label -> label == TokenizedExample.IGNORED)
                .count();
    int[] labels = new int[example.length()];
    Arrays.fill(labels, TokenizedExample.IGNORED);
    System.arraycopy(example.inputIds(), 0, labels, 0, prompt);
    return new TokenizedExample(example.inputIds(), labels, example.line());
  }

  private static float[] mean(Tensor states) {
    int tokens = (int) states.shape()[0];
    float[] values = states.toFloatArray();
    float[] mean = new float[values.length / tokens];
    for (int i = 0; i < values.length; i++) {
      mean[i % mean.length] += values[i] / tokens;
    }
    return mean;
  }

  private static double squared(float[] a, float[] b) {
    return IntStream.range(0, a.length).mapToDouble(i -> (a[i] - b[i]) * (a[i] - b[i])).sum();
  }
}
