package io.safegrad.trainer.model;

import io.safegrad.trainer.tensor.Operators;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import java.util.List;

/**
 * An objective whose positions and targets are on the device.
 *
 * @param positions [positions]
 * @param targets [positions]; empty where there are none
 */
record PlacedObjective(Objective objective, Tensor positions, Tensor targets) {

  static PlacedObjective of(Objective objective, Scope scope) {
    return new PlacedObjective(
        objective, scope.int64(objective.positions()), scope.int64(objective.targets()));
  }

  /** As {@link Objective#evaluate}. */
  List<Tensor> evaluate(
      Operators operators,
      Scope results,
      Tensor states,
      Tensor head,
      Tensor headGradient,
      double softCap) {
    return objective.evaluate(operators, results, states, targets, head, headGradient, softCap);
  }
}
