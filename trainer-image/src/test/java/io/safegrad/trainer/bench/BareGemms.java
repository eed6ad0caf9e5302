package io.safegrad.trainer.bench;

import com.sun.management.OperatingSystemMXBean;
import io.safegrad.trainer.model.ModelConfig;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.tensor.Torch;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * The matrix products with frozen weights that a step cannot do without, and nothing else: forward
 * and input gradient of each linear layer, and of the head at labelled positions.
 */
final class BareGemms {

  /**
   * Enough different weights that none stays in the processor's cache from one layer to the next.
   */
  private static final int COPIES = 6;

  private static final int HEAD_CHUNK = 128;
  private static final int REPEATS = 3;

  private final ModelConfig config;
  private final Torch torch;

  BareGemms(ModelConfig config, Torch torch) {
    this.config = config;
    this.torch = torch;
  }

  /** CPU seconds of one step's products: the least of some repetitions. */
  double cpuSeconds(BenchCase benchCase) {
    int tokens = (BenchCase.USER_ROWS + benchCase.alignmentRows) * BenchCase.LENGTH;
    int half = BenchCase.LENGTH / 2;
    // The first token of a row is never predicted.
    int userLabels =
        BenchCase.USER_ROWS
            * (benchCase.labels == BenchCase.Labels.HALF ? half : BenchCase.LENGTH - 1);
    int alignmentLabels = benchCase.alignmentRows * half;
    int hidden = config.hiddenSize();
    int q = config.heads() * config.headDim();
    int kv = config.keyValueHeads() * config.headDim();
    double best = Double.MAX_VALUE;
    try (Scope scope = torch.scope().child()) {
      List<Product> layer =
          List.of(
              new Product(scope, hidden, q + 2 * kv),
              new Product(scope, q, hidden),
              new Product(scope, hidden, 2 * config.intermediateSize()),
              new Product(scope, config.intermediateSize(), hidden));
      Product head = new Product(scope, hidden, config.vocabSize(), 1);
      for (int repeat = 0; repeat < REPEATS; repeat++) {
        long start = cpuNanos();
        for (int i = 0; i < config.layers(); i++) {
          for (Product product : layer) {
            product.run(scope, tokens, i, 1, 1);
          }
        }
        runHead(scope, head, userLabels, 1);
        // KL needs the start model's logits as well.
        runHead(scope, head, alignmentLabels, 2);
        best = Math.min(best, (cpuNanos() - start) / 1e9);
      }
    }
    return best;
  }

  private static void runHead(Scope scope, Product head, int positions, int forwards) {
    for (int done = 0; done < positions; done += HEAD_CHUNK) {
      head.run(scope, Math.min(HEAD_CHUNK, positions - done), 0, forwards, 1);
    }
  }

  private static long cpuNanos() {
    return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }

  private Tensor random(Scope scope, int rows, int columns) {
    float[] values = new float[rows * columns];
    SplittableRandom random = new SplittableRandom(rows);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextDouble(-1, 1);
    }
    return scope.float32(values, rows, columns);
  }

  /** One linear layer's two products. */
  private final class Product {

    private final int in;
    private final int out;
    private final List<Tensor> weights = new ArrayList<>();
    private final Map<Integer, Tensor> inputs = new HashMap<>();
    private final Map<Integer, Tensor> gradients = new HashMap<>();

    Product(Scope scope, int in, int out) {
      this(scope, in, out, COPIES);
    }

    Product(Scope scope, int in, int out, int copies) {
      this.in = in;
      this.out = out;
      for (int i = 0; i < copies; i++) {
        weights.add(random(scope, out, in));
      }
    }

    void run(Scope scope, int rows, int index, int forwards, int backwards) {
      Tensor x = inputs.computeIfAbsent(rows, n -> random(scope, n, in));
      Tensor dy = gradients.computeIfAbsent(rows, n -> random(scope, n, out));
      for (int i = 0; i < forwards; i++) {
        torch.operators().one(scope, "logits", x, weights.get(index % weights.size()), 0.0).close();
      }
      for (int i = 0; i < backwards; i++) {
        torch.operators().one(scope, "product", dy, weights.get(index % weights.size())).close();
      }
    }
  }
}
