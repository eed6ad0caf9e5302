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
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The hand-written layer, forward and backward, against autograd of a plain one. */
class DecoderLayerTest {

  private static final int HIDDEN = 24;
  private static final int INTERMEDIATE = 40;
  private static final int HEAD_DIM = 8;
  private static final int Q_WIDTH = 48;
  private static final int K_WIDTH = 16;
  private static final int RANK = 3;
  private static final double EPSILON = 1e-5;

  private final Random random = new Random(7);

  /** What a layer has, beginning with none of it. */
  private record Layer(
      boolean bias,
      boolean headNorms,
      boolean everyLinearAdapted,
      boolean fused,
      boolean gemma,
      int window,
      double softCap,
      int pairs,
      long... runs) {

    private static final Layer LLAMA =
        new Layer(false, false, true, false, false, 0, 0, HEAD_DIM / 2, 3, 11);

    Layer with(boolean bias, boolean headNorms, boolean everyLinearAdapted, boolean fused) {
      return new Layer(
          bias, headNorms, everyLinearAdapted, fused, gemma, window, softCap, pairs, runs);
    }

    Layer with(boolean gemma, int window, double softCap, int pairs) {
      return new Layer(
          bias, headNorms, everyLinearAdapted, fused, gemma, window, softCap, pairs, runs);
    }

    Layer packed() {
      return new Layer(
          bias,
          headNorms,
          everyLinearAdapted,
          fused,
          gemma,
          window,
          softCap,
          pairs,
          1,
          13,
          3,
          5,
          2,
          1);
    }

    int tokens() {
      long tokens = 0;
      for (int i = 0; i < runs.length; i += 2) {
        tokens += runs[i] * runs[i + 1];
      }
      return (int) tokens;
    }

    /** Each token's position in its sequence. */
    int[] positions() {
      int[] positions = new int[tokens()];
      int next = 0;
      for (int i = 0; i < runs.length; i += 2) {
        for (int token = 0; token < runs[i] * runs[i + 1]; token++) {
          positions[next++] = (int) (token % runs[i + 1]);
        }
      }
      return positions;
    }

    /** 0 where a token attends to another, -∞ elsewhere. */
    float[] mask() {
      int tokens = tokens();
      int[] positions = positions();
      float[] mask = new float[tokens * tokens];
      for (int from = 0; from < tokens; from++) {
        for (int to = 0; to < tokens; to++) {
          int distance = from - to;
          boolean sameSequence = distance <= positions[from];
          boolean attends = distance >= 0 && sameSequence && (window == 0 || distance < window);
          mask[from * tokens + to] = attends ? 0 : Float.NEGATIVE_INFINITY;
        }
      }
      return mask;
    }

    Object[] settings(Tensor starts) {
      return new Object[] {
        runs,
        starts,
        HEAD_DIM,
        EPSILON,
        gemma ? 1.0 : 0.0,
        gemma,
        gemma ? 0.4 : 0.3,
        window,
        softCap
      };
    }
  }

  static Stream<Arguments> layers() {
    int whole = HEAD_DIM / 2;
    Layer gemma2 = Layer.LLAMA.with(true, 4, 2, whole);
    Layer gemma3 = Layer.LLAMA.with(false, true, true, false).with(true, 3, 0, whole);
    return Stream.of(
        Arguments.of("llama", Layer.LLAMA),
        Arguments.of("some linears adapted", Layer.LLAMA.with(false, false, false, false)),
        Arguments.of("qwen2", Layer.LLAMA.with(true, false, true, false)),
        Arguments.of("qwen3", Layer.LLAMA.with(false, true, true, false)),
        Arguments.of("mistral", Layer.LLAMA.with(false, 4, 0, whole)),
        Arguments.of("gemma2", gemma2),
        Arguments.of("gemma3", gemma3),
        Arguments.of("phi3", Layer.LLAMA.with(false, false, true, true).with(false, 0, 0, 3)),
        Arguments.of("smollm3", Layer.LLAMA.with(false, 0, 0, 0)),
        Arguments.of("packed", Layer.LLAMA.packed()),
        Arguments.of("packed mistral", Layer.LLAMA.with(false, 4, 0, whole).packed()),
        Arguments.of("packed gemma2", gemma2.packed()),
        Arguments.of("packed gemma3", gemma3.packed()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("layers")
  void gradientsAreThoseOfAutograd(String name, Layer layer) throws IOException {
    try (Torch torch = Torch.open()) {
      Scope scope = torch.scope();
      int tokens = layer.tokens();
      Tensor x = normal(scope, 1, tokens, HIDDEN);
      Tensor dy = normal(scope, 1, tokens, HIDDEN);
      Tensor cos = rows(scope, normal(scope, 1, 16, 1, layer.pairs()), layer.positions());
      Tensor sin = rows(scope, normal(scope, 1, 16, 1, layer.pairs()), layer.positions());
      Tensor gate = normal(scope, 1, 1, RANK);
      List<Tensor> weights = weights(scope, layer);
      List<Tensor> adapter = adapter(scope, layer);

      List<Object> arguments = new ArrayList<>(List.of(x, cos, sin, gate, weights, adapter));
      arguments.addAll(List.of(layer.settings(scope.int32(new int[0]))));
      arguments.addAll(List.of(0.0, new long[] {0, 0}));
      List<Object> withRooms = new ArrayList<>(arguments);
      withRooms.addAll(List.of(scope.uninitialised(0), scope.uninitialised(0)));
      List<Tensor> forward = torch.operators().call(scope, "layer_forward", withRooms.toArray());
      List<Tensor> weightGradients = torch.operators().call(scope, "zeros_like", weights);
      List<Tensor> adapterGradients = torch.operators().call(scope, "zeros_like", adapter);
      List<Object> backward = new ArrayList<>(arguments);
      backward.add(0, dy);
      backward.addAll(
          7, List.of(forward.subList(1, forward.size()), weightGradients, adapterGradients, 0));
      Tensor dx = torch.operators().one(scope, "layer_backward", backward.toArray());

      List<Tensor> found = new ArrayList<>(List.of(forward.get(0), dx));
      found.addAll(weightGradients);
      found.addAll(adapterGradients);
      List<Tensor> expected = autograd(scope, layer, dy, x, cos, sin, gate, weights, adapter);
      assertThat(found).hasSameSizeAs(expected).hasSize(24);
      for (int i = 0; i < found.size(); i++) {
        assertClose(i, found.get(i), expected.get(i));
      }
    }
  }

  private List<Tensor> weights(Scope scope, Layer layer) {
    Tensor none = scope.uninitialised(0);
    return List.of(
        normal(scope, 1, HIDDEN),
        normal(scope, 0.2, Q_WIDTH + 2 * K_WIDTH, HIDDEN),
        layer.bias() ? normal(scope, 1, Q_WIDTH + 2 * K_WIDTH) : none,
        layer.headNorms() ? normal(scope, 1, HEAD_DIM) : none,
        layer.headNorms() ? normal(scope, 1, HEAD_DIM) : none,
        normal(scope, 0.2, HIDDEN, Q_WIDTH),
        normal(scope, 1, HIDDEN),
        normal(scope, 0.2, 2 * INTERMEDIATE, HIDDEN),
        normal(scope, 0.2, HIDDEN, INTERMEDIATE),
        layer.gemma() ? normal(scope, 1, HIDDEN) : none,
        layer.gemma() ? normal(scope, 1, HIDDEN) : none);
  }

  /** k_proj and up_proj have a lower rank than the others: none when not every one is adapted. */
  private List<Tensor> adapter(Scope scope, Layer layer) {
    int rank = layer.everyLinearAdapted() ? RANK : 0;
    List<Tensor> qkv =
        layer.fused()
            ? List.of(
                normal(scope, 0.3, RANK, HIDDEN),
                normal(scope, 0.3, RANK, Q_WIDTH + 2 * K_WIDTH),
                normal(scope, 0.3, 0, 1),
                normal(scope, 0.3, 0, 1))
            : List.of(
                normal(scope, 0.3, 2 * RANK + rank, HIDDEN),
                normal(scope, 0.3, RANK, Q_WIDTH),
                normal(scope, 0.3, rank, K_WIDTH),
                normal(scope, 0.3, RANK, K_WIDTH));
    List<Tensor> gateUp =
        layer.fused()
            ? List.of(
                normal(scope, 0.3, RANK, HIDDEN),
                normal(scope, 0.3, RANK, 2 * INTERMEDIATE),
                normal(scope, 0.3, 0, 1))
            : List.of(
                normal(scope, 0.3, RANK + rank, HIDDEN),
                normal(scope, 0.3, RANK, INTERMEDIATE),
                normal(scope, 0.3, rank, INTERMEDIATE));
    List<Tensor> adapter = new ArrayList<>(qkv);
    adapter.add(normal(scope, 0.3, rank, Q_WIDTH));
    adapter.add(normal(scope, 0.3, rank, HIDDEN));
    adapter.addAll(gateUp);
    adapter.add(normal(scope, 0.3, RANK, INTERMEDIATE));
    adapter.add(normal(scope, 0.3, RANK, HIDDEN));
    return adapter;
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
      Layer layer,
      Tensor dy,
      Tensor x,
      Tensor cos,
      Tensor sin,
      Tensor gate,
      List<Tensor> weights,
      List<Tensor> adapter)
      throws IOException {
    NDList inputs = new NDList();
    int tokens = layer.tokens();
    Object[] settings = layer.settings(scope.int32(new int[0]));
    float[] numbers = {
      HEAD_DIM,
      layer.gemma() ? 1 : 0,
      layer.gemma() ? 1 : 0,
      ((Double) settings[6]).floatValue(),
      (float) layer.softCap()
    };
    for (Tensor tensor :
        List.of(
            dy,
            x,
            cos,
            sin,
            gate,
            scope.float32(layer.mask(), tokens, tokens),
            scope.float32(numbers, numbers.length))) {
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
          .forEach(array -> results.add(scope.tensor((PtNDArray) array)));
      return results;
    }
  }

  /** Rows of a [positions, 1, pairs] table. */
  private static Tensor rows(Scope scope, Tensor table, int[] positions) {
    int pairs = (int) table.shape()[2];
    float[] values = table.toFloatArray();
    float[] rows = new float[positions.length * pairs];
    for (int i = 0; i < positions.length; i++) {
      System.arraycopy(values, positions[i] * pairs, rows, i * pairs, pairs);
    }
    return scope.float32(rows, positions.length, 1, pairs);
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
