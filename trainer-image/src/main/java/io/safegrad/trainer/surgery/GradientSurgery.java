package io.safegrad.trainer.surgery;

import io.safegrad.trainer.tensor.Scalars;
import io.safegrad.trainer.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleSupplier;
import java.util.stream.IntStream;

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
 * <p>Earlier alignment gradients, where there are some, are projected off before by the same first
 * line, the oldest first, {@value #TURNS} times in turn. So g' does not oppose the newest, is not
 * longer than g_user, and is nearer to the gradients that oppose none of them. All of it follows
 * from dot products of g_user and the alignment gradients, which are read in one go.
 *
 * @param projection what loses its conflicting part
 * @param alignmentWeight ρ
 */
public record GradientSurgery(Projection projection, double alignmentWeight) {

  /** Below this squared norm the alignment gradient has no direction worth projecting on. */
  static final double MIN_SQUARED_NORM = 1e-9;

  /** The same, as a norm. */
  public static final double MIN_NORM = Math.sqrt(MIN_SQUARED_NORM);

  /** How often each earlier alignment gradient has its turn: a later one's may undo it in part. */
  static final int TURNS = 2;

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
   * @param weight the factor w of g_align in g; null where each group has its own
   * @param projectedGroups groups that were projected, off g_align or an earlier one: of all
   *     parameters as one group, or of many
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
    return combine(scalars, user, List.of(alignment), new GramMatrix(user.size(), 1));
  }

  /**
   * Replaces the user's gradient by the combined one.
   *
   * @param scalars reads the dot products, with all else that waits there, in one go
   * @param user groups of tensors that are one vector together
   * @param alignments alignment gradients, each as such groups: the earlier ones, the oldest first,
   *     and g_align as the last
   * @param gram the alignment gradients' dot products, completed here
   * @return what the user's gradient and g_align were to each other before
   */
  public Observation combine(
      Scalars scalars,
      List<List<Tensor>> user,
      List<List<List<Tensor>>> alignments,
      GramMatrix gram) {
    List<Products> products = products(scalars, user, alignments, gram);
    Products all = Products.sum(products);
    int newest = alignments.size() - 1;
    int projected = 0;
    Double common = null;
    for (int i = 0; i < user.size(); i++) {
      double[] factors =
          projection == Projection.NONE
              ? new double[alignments.size()]
              : projection(projection == Projection.PER_GROUP ? products.get(i) : all, all);
      projected += Arrays.stream(factors).anyMatch(factor -> factor != 0) ? 1 : 0;
      factors[newest] += alignmentWeight;
      common = factors[newest];
      for (int each = 0; each <= newest; each++) {
        if (each == newest || factors[each] != 0) {
          scalars
              .operators()
              .apply("add_scaled_", user.get(i), alignments.get(each).get(i), factors[each]);
        }
      }
    }
    double userNorm = Math.sqrt(all.user());
    double alignmentNorm = Math.sqrt(all.alignments()[newest][newest]);
    double dotProduct = all.along()[newest];
    return new Observation(
        userNorm,
        alignmentNorm,
        dotProduct,
        userNorm * alignmentNorm == 0 ? 0 : dotProduct / (userNorm * alignmentNorm),
        all.hasDirection(newest) && dotProduct < 0,
        projection == Projection.PER_GROUP ? null : common,
        projected);
  }

  /** How much of each alignment gradient is added so that the user's does not oppose it. */
  private static double[] projection(Products own, Products all) {
    int newest = own.along().length - 1;
    double[] factors = new double[newest + 1];
    double[] along = own.along().clone();
    for (int turn = 0; turn < TURNS; turn++) {
      for (int each = 0; each < newest; each++) {
        projectOff(each, own, all, along, factors);
      }
    }
    projectOff(newest, own, all, along, factors);
    return factors;
  }

  private static void projectOff(
      int each, Products own, Products all, double[] along, double[] factors) {
    double[] products = own.alignments()[each];
    if (all.hasDirection(each) && along[each] < 0 && products[each] > 0) {
      double factor = -along[each] / products[each];
      factors[each] += factor;
      for (int i = 0; i < along.length; i++) {
        along[i] += factor * products[i];
      }
    }
  }

  /**
   * Dot products of the user's gradient and the alignment gradients.
   *
   * @param user ‖g_user‖²
   * @param along of the user's gradient with each alignment gradient
   * @param alignments of these with each other
   */
  private record Products(double user, double[] along, double[][] alignments) {

    boolean hasDirection(int alignment) {
      return GradientSurgery.hasDirection(alignments[alignment][alignment]);
    }

    static Products sum(List<Products> groups) {
      int count = groups.get(0).along.length;
      double user = 0;
      double[] along = new double[count];
      double[][] alignments = new double[count][count];
      for (Products group : groups) {
        user += group.user;
        for (int i = 0; i < count; i++) {
          along[i] += group.along[i];
          for (int j = 0; j < count; j++) {
            alignments[i][j] += group.alignments[i][j];
          }
        }
      }
      return new Products(user, along, alignments);
    }
  }

  /** The products of each group. */
  private static List<Products> products(
      Scalars scalars,
      List<List<Tensor>> user,
      List<List<List<Tensor>>> alignments,
      GramMatrix gram) {
    List<DoubleSupplier> norms = new ArrayList<>();
    List<List<DoubleSupplier>> along = new ArrayList<>();
    for (int i = 0; i < user.size(); i++) {
      List<Tensor> group = user.get(i);
      int place = i;
      norms.add(scalars.call("dot", group, group));
      along.add(
          alignments.stream()
              .map(alignment -> scalars.call("dot", group, alignment.get(place)))
              .toList());
    }
    gram.complete(scalars, alignments).run();
    return IntStream.range(0, user.size())
        .mapToObj(
            i ->
                new Products(
                    norms.get(i).getAsDouble(),
                    along.get(i).stream().mapToDouble(DoubleSupplier::getAsDouble).toArray(),
                    gram.of(i)))
        .toList();
  }
}
