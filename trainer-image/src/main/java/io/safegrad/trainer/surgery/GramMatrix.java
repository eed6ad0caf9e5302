package io.safegrad.trainer.surgery;

import io.safegrad.trainer.tensor.Scalars;
import io.safegrad.trainer.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleSupplier;

/**
 * The dot products of alignment gradients with each other, group by group. A gradient serves many
 * steps as an earlier one and does not change, so each product is computed once.
 */
public final class GramMatrix {

  private static final double UNKNOWN = Double.NaN;

  private final double[][][] products;

  /**
   * @param groups of each gradient
   * @param gradients how many
   */
  public GramMatrix(int groups, int gradients) {
    this.products = new double[groups][gradients][gradients];
    for (double[][] group : products) {
      for (double[] row : group) {
        Arrays.fill(row, UNKNOWN);
      }
    }
  }

  /** The first gradient is no more, and another one comes last. */
  public void replaceFirst() {
    for (double[][] group : products) {
      int last = group.length - 1;
      for (int row = 0; row < last; row++) {
        System.arraycopy(group[row + 1], 1, group[row], 0, last);
        group[row][last] = UNKNOWN;
      }
      Arrays.fill(group[last], UNKNOWN);
    }
  }

  /**
   * Has the products computed that are not known.
   *
   * @param gradients each by group
   * @return waits for them and takes them over
   */
  Runnable complete(Scalars scalars, List<List<List<Tensor>>> gradients) {
    List<Runnable> waiting = new ArrayList<>();
    for (int group = 0; group < products.length; group++) {
      double[][] matrix = products[group];
      for (int row = 0; row < matrix.length; row++) {
        for (int column = 0; column <= row; column++) {
          if (Double.isNaN(matrix[row][column])) {
            waiting.add(
                later(
                    matrix,
                    row,
                    column,
                    scalars.call(
                        "dot", gradients.get(row).get(group), gradients.get(column).get(group))));
          }
        }
      }
    }
    return () -> waiting.forEach(Runnable::run);
  }

  private static Runnable later(double[][] matrix, int row, int column, DoubleSupplier product) {
    return () -> {
      matrix[row][column] = product.getAsDouble();
      matrix[column][row] = matrix[row][column];
    };
  }

  /** Those of one group, row by row. */
  double[][] of(int group) {
    return products[group];
  }
}
