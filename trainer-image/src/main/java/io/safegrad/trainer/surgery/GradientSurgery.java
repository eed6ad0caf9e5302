package io.safegrad.trainer.surgery;

import io.safegrad.trainer.tensor.Scalars;
import io.safegrad.trainer.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleSupplier;

/**
 * How SafeGrad (arXiv 2508.07172) combines the user's gradient with the alignment gradient. On
 * conflict the user's gradient loses its part along the alignment gradient, which is then added:
 *
 * <pre>
 *   g' = g_user − (⟨g_user, g_align⟩ / ‖g_align‖²) g_align    if ⟨g_user, g_align⟩ &lt; 0, else g_user
 *   g  = g' + ρ g_align
 * </pre>
 *
 * Both lines together are {@code g = g_user + w g_align} with one number w, over all parameters as
 * one vector. The alignment gradient is never altered. w is not limited: what the projection
 * removes is never longer than the user's gradient.
 *
 * @param projection what loses its conflicting part
 * @param alignmentWeight ρ
 */
public record GradientSurgery(Projection projection, double alignmentWeight) {

  /** Below this squared norm the alignment gradient has no direction worth projecting on. */
  static final double MIN_SQUARED_NORM = 1e-9;

  /** The same, as a norm. */
  public static final double MIN_NORM = Math.sqrt(MIN_SQUARED_NORM);

  /** What is projected as one vector. */
  public enum Projection {
    /** Nothing: g is the weighted sum of both gradients. */
    NONE,
    /** All parameters. */
    GLOBAL,
    /**
     * Each group for itself. Afterwards no group opposes the alignment gradient, so all parameters
     * together do not either.
     */
    PER_GROUP
  }

  /**
   * What two gradients are to each other, and what follows.
   *
   * @param userNorm ‖g_user‖
   * @param alignmentNorm ‖g_align‖
   * @param dotProduct ⟨g_user, g_align⟩
   * @param cosine of the angle between the gradients; 0 when one of them is zero
   * @param conflict whether the dot product is negative, and g_align not nearly zero
   * @param weight the factor w in {@code g = g_user + w g_align}; null where each group has its own
   * @param projectedGroups groups that were projected: of all parameters as one group, or of many
   */
  public record Observation(
      double userNorm,
      double alignmentNorm,
      double dotProduct,
      double cosine,
      boolean conflict,
      Double weight,
      int projectedGroups) {}

  /** Whether an alignment gradient of this squared norm has a direction. */
  public static boolean hasDirection(double squaredNorm) {
    return squaredNorm > MIN_SQUARED_NORM;
  }

  /**
   * Replaces the user's gradient by the combined one.
   *
   * @param scalars reads the dot products, with all else that waits there, in one go
   * @param user groups of tensors that are one vector together
   * @param alignment groups of tensors of the same shapes
   * @return what was observed before
   */
  public Observation combine(
      Scalars scalars, List<List<Tensor>> user, List<List<Tensor>> alignment) {
    double[][] products = products(scalars, user, alignment);
    double[] all = sum(products);
    double norms = Math.sqrt(all[0]) * Math.sqrt(all[1]);
    boolean direction = hasDirection(all[1]);
    int projected = 0;
    Double common = null;
    for (int i = 0; i < products.length; i++) {
      double[] own = projection == Projection.PER_GROUP ? products[i] : all;
      boolean projects = projection != Projection.NONE && direction && own[2] < 0 && own[1] > 0;
      double weight = alignmentWeight + (projects ? -own[2] / own[1] : 0);
      scalars.operators().apply("add_scaled_", user.get(i), alignment.get(i), weight);
      projected += projects ? 1 : 0;
      common = weight;
    }
    return new Observation(
        Math.sqrt(all[0]),
        Math.sqrt(all[1]),
        all[2],
        norms == 0 ? 0 : all[2] / norms,
        direction && all[2] < 0,
        projection == Projection.PER_GROUP ? null : common,
        projected);
  }

  /** ‖user‖², ‖alignment‖² and their dot product, for each group. */
  private static double[][] products(
      Scalars scalars, List<List<Tensor>> user, List<List<Tensor>> alignment) {
    List<DoubleSupplier> all = new ArrayList<>();
    for (int i = 0; i < user.size(); i++) {
      all.add(scalars.call("dot", user.get(i), user.get(i)));
      all.add(scalars.call("dot", alignment.get(i), alignment.get(i)));
      all.add(scalars.call("dot", user.get(i), alignment.get(i)));
    }
    double[][] products = new double[user.size()][3];
    for (int i = 0; i < all.size(); i++) {
      products[i / 3][i % 3] = all.get(i).getAsDouble();
    }
    return products;
  }

  private static double[] sum(double[][] products) {
    double[] sum = new double[3];
    for (double[] each : products) {
      for (int i = 0; i < sum.length; i++) {
        sum[i] += each[i];
      }
    }
    return sum;
  }
}
