package io.safegrad.trainer.model;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.tensor.Operators;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.weights.FloatTensor;
import io.safegrad.trainer.weights.TensorContents;
import io.safegrad.trainer.weights.Weights;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * What training changes, and what has a value for each of it (a gradient, a moment): in memory, and
 * under the names that files have.
 */
public final class TrainedParameters {

  private final Operators operators;
  private final ModelTensors tensors;
  private final List<NamedTensor> named;

  /**
   * @param tensors those of the model that are trained; an empty one for each that is not
   * @param named their names in files
   */
  TrainedParameters(Operators operators, ModelTensors tensors, List<NamedTensor> named) {
    this.operators = operators;
    this.tensors = tensors;
    this.named = named;
  }

  /** All of them, always in the same order. */
  List<Tensor> flat() {
    return tensors.flat();
  }

  /** Whether the model's output head is among them. */
  boolean haveHead() {
    return tensors.head().size() > 0;
  }

  /** A gradient of zeros, in the given scope. */
  Gradient newGradient(Scope scope) {
    return new Gradient(tensors.map(like -> zeros(scope, like), like -> zeros(scope, like)));
  }

  private Tensor zeros(Scope scope, Tensor like) {
    return operators.one(scope, "zeros_like", List.of(like));
  }

  /** Copies of all, under the names that PEFT (Lora) or Hugging Face transformers (Full) gives. */
  public Map<String, FloatTensor> copies() {
    return copies(flat());
  }

  /**
   * Copies of something that has a value for each, under the names of {@link #copies()}.
   *
   * @param vector each of the shape and at the place of one of {@link CausalLm#parameters()}
   */
  public Map<String, FloatTensor> copies(List<Tensor> vector) {
    Map<String, FloatTensor> copies = new LinkedHashMap<>();
    within(vector).forEach(tensor -> copies.put(tensor.name(), tensor.copy()));
    return copies;
  }

  /** A gradient under the names of {@link #copies()}. */
  Map<String, FloatTensor> copies(Gradient gradient) {
    return copies(gradient.vector());
  }

  /** What {@link #copies()} has, without a copy; not valid after the model. */
  public Weights weights() {
    return new TrainedWeights(named);
  }

  /** What {@link #copies(List)} has, without a copy; not valid after the model. */
  public TensorContents contents(List<Tensor> vector) {
    return new TrainedWeights(within(vector));
  }

  /**
   * Sets all.
   *
   * @param values as {@link #copies()} gives them
   * @throws TrainerException with BAD_DATA when one is missing, unknown or of another shape
   */
  public void set(Map<String, FloatTensor> values) {
    set(flat(), values);
  }

  /**
   * Sets something that has a value for each.
   *
   * @param vector each of the shape and at the place of one of {@link CausalLm#parameters()}
   * @param values as {@link #copies(List)} gives them
   * @throws TrainerException with BAD_DATA when one is missing, unknown or of another shape
   */
  public void set(List<Tensor> vector, Map<String, FloatTensor> values) {
    List<NamedTensor> places = within(vector);
    requireNames(places, values.keySet());
    places.forEach(tensor -> tensor.set(values.get(tensor.name())));
  }

  /** The same from a file, of which one tensor at a time is read. */
  public void set(List<Tensor> vector, Weights values) {
    List<NamedTensor> places = within(vector);
    requireNames(places, values.names());
    places.forEach(tensor -> tensor.set(values));
  }

  private List<NamedTensor> within(List<Tensor> vector) {
    Map<Tensor, Tensor> placeOf = new IdentityHashMap<>();
    List<Tensor> parameters = flat();
    for (int i = 0; i < parameters.size(); i++) {
      placeOf.put(parameters.get(i), vector.get(i));
    }
    return named.stream().map(tensor -> tensor.within(placeOf.get(tensor.tensor()))).toList();
  }

  private static void requireNames(List<NamedTensor> places, Set<String> found) {
    Set<String> names = new TreeSet<>(found);
    for (NamedTensor tensor : places) {
      if (!names.remove(tensor.name())) {
        throw new TrainerException(
            ExitReason.BAD_DATA, "the adapter lacks the tensor " + tensor.name());
      }
    }
    if (!names.isEmpty()) {
      throw new TrainerException(
          ExitReason.BAD_DATA,
          "the adapter has a tensor that the plan does not train: " + names.iterator().next());
    }
  }
}
