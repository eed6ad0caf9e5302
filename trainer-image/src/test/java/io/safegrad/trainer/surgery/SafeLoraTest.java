package io.safegrad.trainer.surgery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.export.WeightsInMemory;
import io.safegrad.trainer.surgery.SafeLora.Module;
import io.safegrad.trainer.surgery.SafeLora.Result;
import io.safegrad.trainer.tensor.Torch;
import io.safegrad.trainer.weights.FloatTensor;
import io.safegrad.trainer.weights.Weights;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SafeLoraTest {

  private static final int OUT = 5;
  private static final int IN = 7;
  private static final int RANK = 2;
  private static final String A = "base_model.model.layer.lora_A.weight";
  private static final String B = "base_model.model.layer.lora_B.weight";

  private final Torch torch = Torch.open();
  private final Random random = new Random(5);
  private final double[][] base = normal(OUT, IN);
  private final double[][] v = normal(OUT, IN);
  private final double[][] a = normal(RANK, IN);
  private final double[][] b = normal(OUT, RANK);

  @AfterEach
  void close() {
    torch.close();
  }

  @Test
  void theUpdateIsProjectedByThePapersMatrix() {
    Result result = project(v, b, 1);

    double[][] projected = product(projection(v), b);
    assertClose(result.adapter().get(B), projected);
    assertClose(result.adapter().get(A), a);
    Module module = result.modules().get(0);
    assertThat(module.name()).isEqualTo("layer");
    assertThat(module.projected()).isTrue();
    assertThat(module.cosine())
        .isCloseTo(cosine(product(projected, a), product(b, a)), within(1e-5));
  }

  @Test
  void anUpdateThatIsCloseEnoughIsLeftAsItIs() {
    double cosine = project(v, b, 1).modules().get(0).cosine();

    Result left = project(v, b, cosine - 1e-6);
    assertThat(left.adapter().get(B).values()).containsExactly(floats(b));
    assertThat(left.modules().get(0).projected()).isFalse();
    assertThat(project(v, b, cosine + 1e-6).modules().get(0).projected()).isTrue();
  }

  @Test
  void anUpdateWithinTheSubspaceHasTheCosineOneAndOneBesideItHasNone() {
    // V of rank one, along the first output.
    double[][] along = new double[OUT][IN];
    along[0] = v[0];
    double[][] within = new double[OUT][RANK];
    within[0] = b[0];
    assertThat(project(along, within, 1).modules().get(0).cosine()).isCloseTo(1, within(1e-6));

    double[][] beside = b.clone();
    beside[0] = new double[RANK];
    Result removed = project(along, beside, 0.5);
    assertThat(removed.modules().get(0).cosine()).isZero();
    assertThat(removed.adapter().get(B).values()).containsOnly(0);
    assertThat(project(along, b, 1).adapter().get(B).values())
        .as("what is left is along the first output")
        .satisfies(values -> assertThat(values[RANK]).isZero());
  }

  @Test
  void aBaseModelThatCannotBeIsNamed() {
    assertThatThrownBy(() -> project(new double[OUT][IN], b, 1))
        .isInstanceOf(TrainerException.class)
        .hasMessageContaining("its linear layers are those of model.source");
    SafeLora other =
        new SafeLora(torch, weights(base), new WeightsInMemory(Map.of("x", tensor(base))));
    assertThatThrownBy(() -> other.project(adapter(b), 1))
        .hasMessageContaining("it has no tensor layer.weight of shape [5, 7]");
    SafeLora narrow = new SafeLora(torch, weights(base), weights(normal(OUT, IN - 1)));
    assertThatThrownBy(() -> narrow.project(adapter(b), 1)).hasMessageContaining("layer.weight");
  }

  private Result project(double[][] difference, double[][] factor, double threshold) {
    double[][] aligned = new double[OUT][IN];
    for (int row = 0; row < OUT; row++) {
      for (int column = 0; column < IN; column++) {
        aligned[row][column] = base[row][column] + difference[row][column];
      }
    }
    return new SafeLora(torch, weights(aligned), weights(base)).project(adapter(factor), threshold);
  }

  private Map<String, FloatTensor> adapter(double[][] factor) {
    Map<String, FloatTensor> adapter = new LinkedHashMap<>();
    adapter.put(A, tensor(a));
    adapter.put(B, tensor(factor));
    return adapter;
  }

  private static Weights weights(double[][] layer) {
    return new WeightsInMemory(Map.of("layer.weight", tensor(layer)));
  }

  private static FloatTensor tensor(double[][] matrix) {
    return new FloatTensor(new long[] {matrix.length, matrix[0].length}, floats(matrix));
  }

  /** V Vᵀ / ‖V‖. */
  private static double[][] projection(double[][] v) {
    double[][] transposed = new double[IN][OUT];
    double squares = 0;
    for (int row = 0; row < OUT; row++) {
      for (int column = 0; column < IN; column++) {
        transposed[column][row] = v[row][column];
        squares += v[row][column] * v[row][column];
      }
    }
    double[][] product = product(v, transposed);
    for (double[] row : product) {
      for (int column = 0; column < row.length; column++) {
        row[column] /= Math.sqrt(squares);
      }
    }
    return product;
  }

  private static double[][] product(double[][] left, double[][] right) {
    double[][] product = new double[left.length][right[0].length];
    for (int row = 0; row < left.length; row++) {
      for (int column = 0; column < right[0].length; column++) {
        for (int i = 0; i < right.length; i++) {
          product[row][column] += left[row][i] * right[i][column];
        }
      }
    }
    return product;
  }

  private static double cosine(double[][] left, double[][] right) {
    double dot = 0;
    double leftSquares = 0;
    double rightSquares = 0;
    for (int row = 0; row < left.length; row++) {
      for (int column = 0; column < left[0].length; column++) {
        dot += left[row][column] * right[row][column];
        leftSquares += left[row][column] * left[row][column];
        rightSquares += right[row][column] * right[row][column];
      }
    }
    return dot / Math.sqrt(leftSquares * rightSquares);
  }

  private static void assertClose(FloatTensor found, double[][] expected) {
    assertThat(found.values())
        .usingComparatorWithPrecision(1e-4f)
        .containsExactly(floats(expected));
  }

  private static float[] floats(double[][] matrix) {
    float[] values = new float[matrix.length * matrix[0].length];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) matrix[i / matrix[0].length][i % matrix[0].length];
    }
    return values;
  }

  private double[][] normal(int rows, int columns) {
    double[][] matrix = new double[rows][columns];
    for (double[] row : matrix) {
      for (int i = 0; i < columns; i++) {
        row[i] = random.nextGaussian();
      }
    }
    return matrix;
  }
}
