package io.safegrad.trainer.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The hand-written layer, forward and backward, against autograd of a plain one. */
class DecoderLayerTest {

  private static final int ROWS = 3;
  private static final int LENGTH = 11;
  private static final int HIDDEN = 24;
  private static final int INTERMEDIATE = 40;
  private static final int HEAD_DIM = 8;
  private static final int Q_WIDTH = 48;
  private static final int K_WIDTH = 16;
  private static final int RANK = 3;
  private static final double EPSILON = 1e-5;

  private final Random random = new Random(7);

  @ParameterizedTest
  @CsvSource({
    "false, false, true",
    "true, false, true",
    "false, true, true",
    "false, false, false"
  })
  void gradientsAreThoseOfAutograd(boolean bias, boolean headNorms, boolean everyLinearAdapted)
      throws IOException {
    try (Torch torch = Torch.open()) {
      Scope scope = torch.scope();
      int tokens = ROWS * LENGTH;
      Tensor x = normal(scope, 1, tokens, HIDDEN);
      Tensor dy = normal(scope, 1, tokens, HIDDEN);
      Tensor cos = normal(scope, 1, LENGTH, 1, HEAD_DIM / 2);
      Tensor sin = normal(scope, 1, LENGTH, 1, HEAD_DIM / 2);
      Tensor gate = normal(scope, 1, tokens, RANK);
      List<Tensor> weights = weights(scope, bias, headNorms);
      List<Tensor> adapter = adapter(scope, everyLinearAdapted ? RANK : 0);

      List<Tensor> forward =
          torch
              .operators()
              .call(
                  scope,
                  "layer_forward",
                  x,
                  cos,
                  sin,
                  gate,
                  weights,
                  adapter,
                  LENGTH,
                  HEAD_DIM,
                  EPSILON);
      List<Tensor> weightGradients = torch.operators().call(scope, "zeros_like", weights);
      List<Tensor> adapterGradients = torch.operators().call(scope, "zeros_like", adapter);
      Tensor dx =
          torch
              .operators()
              .one(
                  scope,
                  "layer_backward",
                  dy,
                  x,
                  cos,
                  sin,
                  gate,
                  weights,
                  adapter,
                  forward.subList(1, forward.size()),
                  weightGradients,
                  adapterGradients,
                  LENGTH,
                  HEAD_DIM,
                  EPSILON);

      List<Tensor> found = new ArrayList<>(List.of(forward.get(0), dx));
      found.addAll(weightGradients);
      found.addAll(adapterGradients);
      List<Tensor> expected = autograd(scope, dy, x, cos, sin, gate, weights, adapter);
      assertThat(found).hasSameSizeAs(expected).hasSize(22);
      for (int i = 0; i < found.size(); i++) {
        assertClose(i, found.get(i), expected.get(i));
      }
    }
  }

  private List<Tensor> weights(Scope scope, boolean bias, boolean headNorms) {
    Tensor none = scope.uninitialised(0);
    return List.of(
        normal(scope, 1, HIDDEN),
        normal(scope, 0.2, Q_WIDTH + 2 * K_WIDTH, HIDDEN),
        bias ? normal(scope, 1, Q_WIDTH + 2 * K_WIDTH) : none,
        headNorms ? normal(scope, 1, HEAD_DIM) : none,
        headNorms ? normal(scope, 1, HEAD_DIM) : none,
        normal(scope, 0.2, HIDDEN, Q_WIDTH),
        normal(scope, 1, HIDDEN),
        normal(scope, 0.2, 2 * INTERMEDIATE, HIDDEN),
        normal(scope, 0.2, HIDDEN, INTERMEDIATE));
  }

  /** k_proj and up_proj have a lower rank than the others: none when the rank is 0. */
  private List<Tensor> adapter(Scope scope, int rank) {
    return List.of(
        normal(scope, 0.3, 2 * RANK + rank, HIDDEN),
        normal(scope, 0.3, RANK, Q_WIDTH),
        normal(scope, 0.3, rank, K_WIDTH),
        normal(scope, 0.3, RANK, K_WIDTH),
        normal(scope, 0.3, rank, Q_WIDTH),
        normal(scope, 0.3, rank, HIDDEN),
        normal(scope, 0.3, RANK + rank, HIDDEN),
        normal(scope, 0.3, RANK, INTERMEDIATE),
        normal(scope, 0.3, rank, INTERMEDIATE),
        normal(scope, 0.3, RANK, INTERMEDIATE),
        normal(scope, 0.3, RANK, HIDDEN));
  }

  private Tensor normal(Scope scope, double deviation, long... shape) {
    int size = 1;
    for (long dimension : shape) {
      size *= (int) dimension;
    }
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) (deviation * random.nextGaussian());
    }
    return scope.float32(values, shape);
  }

  /** Calls the oracle in the one way that lets autograd record. */
  private static List<Tensor> autograd(
      Scope scope,
      Tensor dy,
      Tensor x,
      Tensor cos,
      Tensor sin,
      Tensor gate,
      List<Tensor> weights,
      List<Tensor> adapter)
      throws IOException {
    NDList inputs = new NDList();
    for (Tensor tensor :
        List.of(dy, x, cos, sin, gate, scope.int64(new long[] {LENGTH, HEAD_DIM}))) {
      inputs.add(tensor.array);
    }
    weights.forEach(tensor -> inputs.add(copy(scope, tensor, "weights[]")));
    adapter.forEach(tensor -> inputs.add(copy(scope, tensor, "adapter[]")));
    NDArray method = scope.uninitialised(1).array;
    method.setName("module_method:autograd_layer");
    inputs.add(method);
    try (InputStream source =
            DecoderLayerTest.class.getResourceAsStream("decoder_layer_autograd.torchscript");
        InputStream archive =
            TorchScriptArchive.of(
                List.of(new String(source.readAllBytes(), StandardCharsets.UTF_8)))) {
      PtSymbolBlock module = JniUtils.loadModule(scope.manager, archive, true, false);
      List<Tensor> results = new ArrayList<>();
      IValueUtils.forward(module, inputs, true)
          .forEach(array -> results.add(new Tensor((PtNDArray) array)));
      return results;
    }
  }

  /** A copy to carry a name of its own: an absent weight is one object at several places. */
  private static NDArray copy(Scope scope, Tensor tensor, String name) {
    Tensor copy = scope.float32(tensor.toFloatArray(), tensor.shape());
    copy.array.setName(name);
    return copy.array;
  }

  private static void assertClose(int index, Tensor found, Tensor expected) {
    float[] values = found.toFloatArray();
    float[] wanted = expected.toFloatArray();
    assertThat(found.shape()).isEqualTo(expected.shape());
    float largest = 0;
    float difference = 0;
    for (int i = 0; i < wanted.length; i++) {
      largest = Math.max(largest, Math.abs(wanted[i]));
      difference = Math.max(difference, Math.abs(values[i] - wanted[i]));
    }
    assertThat(difference).as("result " + index).isLessThanOrEqualTo(1e-5f * largest);
  }
}
