package io.safegrad.trainer.tensor;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import java.util.ArrayList;
import java.util.List;

/**
 * The computations on tensors, written in TorchScript in this package's {@code *.torchscript}
 * resources, where each says its shapes. They run without recording for autograd; those that end in
 * an underscore change their first argument.
 */
public final class Operators {

  private final PtSymbolBlock module;

  Operators(PtSymbolBlock module) {
    this.module = module;
  }

  /**
   * Calls an operator.
   *
   * @param results the scope that receives the results
   * @param name the operator's name
   * @param arguments in the operator's order: {@link Tensor}, {@code List<Tensor>}, {@link Double},
   *     {@link Integer}, {@link Boolean}, {@link String} or {@code long[]}
   * @return its results; none when it returns its first argument, changed in place
   */
  public List<Tensor> call(Scope results, String name, Object... arguments) {
    JniUtils.setGraphExecutorOptimize(false);
    List<IValue> values = new ArrayList<>(arguments.length);
    try {
      for (Object argument : arguments) {
        values.add(value(argument));
      }
      try (IValue result = IValueUtils.runMethod(module, name, values.toArray(new IValue[0]))) {
        return name.endsWith("_") ? List.of() : tensors(result, results);
      }
    } finally {
      values.forEach(IValue::close);
    }
  }

  /** Calls an operator that has one result. */
  public Tensor one(Scope results, String name, Object... arguments) {
    List<Tensor> tensors = call(results, name, arguments);
    if (tensors.size() != 1) {
      throw new IllegalArgumentException(name + " has " + tensors.size() + " results, not one");
    }
    return tensors.get(0);
  }

  /** Calls an operator that changes its first argument and has no other result. */
  public void apply(String name, Object... arguments) {
    if (!name.endsWith("_")) {
      throw new IllegalArgumentException(name + " does not work in place");
    }
    call(null, name, arguments);
  }

  private static List<Tensor> tensors(IValue result, Scope results) {
    List<Tensor> tensors = new ArrayList<>();
    result
        .toNDList(results.manager)
        .forEach(array -> tensors.add(results.tensor((PtNDArray) array)));
    return tensors;
  }

  private static IValue value(Object argument) {
    if (argument instanceof Tensor tensor) {
      return IValue.from(tensor.array);
    }
    if (argument instanceof List<?> list) {
      return IValue.listFrom(
          list.stream().map(each -> ((Tensor) each).array).toArray(PtNDArray[]::new));
    }
    if (argument instanceof long[] numbers) {
      return IValue.listFrom(numbers);
    }
    if (argument instanceof Double number) {
      return IValue.from(number.doubleValue());
    }
    if (argument instanceof Integer number) {
      return IValue.from(number.longValue());
    }
    if (argument instanceof Boolean flag) {
      return IValue.from(flag.booleanValue());
    }
    if (argument instanceof String text) {
      return IValue.from(text);
    }
    throw new IllegalArgumentException("no operator takes " + argument.getClass());
  }
}
