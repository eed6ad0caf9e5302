package io.safegrad.trainer.tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleSupplier;

/**
 * Single numbers that are computed one after the other and read together: the first one that is
 * asked for brings all that are there by then. So a device goes on with its work until somebody
 * needs to know.
 */
public final class Scalars {

  private final Operators operators;
  private final Scope scope;
  private final List<Later> pending = new ArrayList<>();

  /**
   * @param scope holds the numbers until they are read
   */
  public Scalars(Operators operators, Scope scope) {
    this.operators = operators;
    this.scope = scope;
  }

  private final class Later implements DoubleSupplier {
    private final Tensor scalar;
    private double value;
    private boolean known;

    private Later(Tensor scalar) {
      this.scalar = scalar;
    }

    @Override
    public double getAsDouble() {
      if (!known) {
        readAll();
      }
      return value;
    }
  }

  /** Calls an operator that has one number as its result. */
  public DoubleSupplier call(String operator, Object... arguments) {
    return later(operators.one(scope, operator, arguments));
  }

  /** A number that is there already; the tensor is closed when it was read. */
  public DoubleSupplier later(Tensor scalar) {
    Later later = new Later(scope.keep(scalar));
    pending.add(later);
    return later;
  }

  /** The operators. */
  public Operators operators() {
    return operators;
  }

  private void readAll() {
    List<Tensor> tensors = pending.stream().map(later -> later.scalar).toList();
    try (Tensor all = operators.one(scope, "side_by_side", tensors)) {
      double[] values = all.toDoubleArray();
      for (int i = 0; i < values.length; i++) {
        pending.get(i).value = values[i];
        pending.get(i).known = true;
      }
    }
    tensors.forEach(Tensor::close);
    pending.clear();
  }
}
