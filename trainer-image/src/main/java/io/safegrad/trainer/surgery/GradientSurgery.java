package io.safegrad.trainer.surgery;

import io.safegrad.api.v1alpha1.Method;
import io.safegrad.trainer.tensor.Operators;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import java.util.List;

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
 * <p>The method WeightedSum leaves the projection out; Sft has no alignment gradient, and g is
 * g_user.
 *
 * @param method which of the three
 * @param alignmentWeight ρ
 */
public record GradientSurgery(Method.Name method, double alignmentWeight) {

  /** Below this squared norm the alignment gradient has no direction worth projecting on. */
  static final double MIN_SQUARED_NORM = 1e-9;

  /** The same, as a norm. */
  public static final double MIN_NORM = Math.sqrt(MIN_SQUARED_NORM);

  /**
   * What two gradients are to each other, and what follows. All but the user's norm is null for the
   * method Sft.
   *
   * @param userNorm ‖g_user‖
   * @param alignmentNorm ‖g_align‖
   * @param dotProduct ⟨g_user, g_align⟩
   * @param cosine of the angle between the gradients; 0 when one of them is zero
   * @param conflict whether the dot product is negative, and g_align not nearly zero
   * @param weight the factor w in {@code g = g_user + w g_align}
   */
  public record Observation(
      double userNorm,
      Double alignmentNorm,
      Double dotProduct,
      Double cosine,
      Boolean conflict,
      Double weight) {}

  /**
   * Replaces the user's gradient by the combined one.
   *
   * @param user tensors that are one vector together
   * @param alignment tensors of the same shapes; not used by Sft
   * @return what was observed before
   */
  public Observation combine(
      Operators operators, Scope scope, List<Tensor> user, List<Tensor> alignment) {
    try (Scope numbers = scope.child()) {
      double userSquared = operators.one(numbers, "dot", user, user).item();
      if (method == Method.Name.Sft) {
        return new Observation(Math.sqrt(userSquared), null, null, null, null, null);
      }
      Observation observation =
          observe(
              userSquared,
              operators.one(numbers, "dot", alignment, alignment).item(),
              operators.one(numbers, "dot", user, alignment).item());
      operators.apply("add_scaled_", user, alignment, observation.weight());
      return observation;
    }
  }

  /** The decision, from ‖g_user‖², ‖g_align‖² and ⟨g_user, g_align⟩. */
  Observation observe(double userSquared, double alignmentSquared, double dotProduct) {
    boolean conflict = dotProduct < 0 && alignmentSquared > MIN_SQUARED_NORM;
    double projected =
        conflict && method == Method.Name.SafeGrad ? -dotProduct / alignmentSquared : 0;
    double norms = Math.sqrt(userSquared) * Math.sqrt(alignmentSquared);
    return new Observation(
        Math.sqrt(userSquared),
        Math.sqrt(alignmentSquared),
        dotProduct,
        norms == 0 ? 0 : dotProduct / norms,
        conflict,
        alignmentWeight + projected);
  }
}
