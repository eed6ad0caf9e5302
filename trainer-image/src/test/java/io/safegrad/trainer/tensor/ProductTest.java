package io.safegrad.trainer.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Products with a kept matrix take other ways by the number of rows and by the matrix's width. */
class ProductTest {

  private static final int OUT = 40;

  private final Random random = new Random(11);

  @ParameterizedTest
  @CsvSource({
    "1, 96",
    "2, 96",
    "3, 96",
    "127, 96",
    "128, 96",
    "300, 96",
    "1, 512",
    "16, 512",
    "300, 512"
  })
  void everyWayGivesTheSums(int rows, int in) {
    try (Torch torch = Torch.open()) {
      Scope scope = torch.scope();
      float[] x = normal(rows * in);
      float[] w = normal(OUT * in);
      Tensor left = scope.float32(x, rows, in);
      Tensor kept = scope.float32(w, OUT, in);
      Tensor y = torch.operators().one(scope, "logits", left, kept, 0.0);
      Tensor dx = torch.operators().one(scope, "product", y, kept);
      float[] found = y.toFloatArray();
      float[] foundBack = dx.toFloatArray();
      for (int row = 0; row < rows; row++) {
        double[] back = new double[in];
        for (int out = 0; out < OUT; out++) {
          double sum = 0;
          for (int i = 0; i < in; i++) {
            sum += (double) x[row * in + i] * w[out * in + i];
            back[i] += (double) found[row * OUT + out] * w[out * in + i];
          }
          assertThat((double) found[row * OUT + out]).isCloseTo(sum, within(1e-3));
        }
        for (int i = 0; i < in; i++) {
          assertThat((double) foundBack[row * in + i]).isCloseTo(back[i], within(1e-2));
        }
      }
    }
  }

  private float[] normal(int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }
}
