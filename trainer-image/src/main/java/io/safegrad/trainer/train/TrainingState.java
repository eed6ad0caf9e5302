package io.safegrad.trainer.train;

import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.safety.Attribution;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.weights.TensorContents;
import io.safegrad.trainer.weights.Weights;
import java.util.Arrays;
import java.util.List;

/**
 * All that the next step of a training depends on: the trained parameters, AdamW's moments, how
 * many steps are done (by which the learning rate and the moments' bias correction follow), how far
 * the data was read, what the method remembers, and what validation found.
 */
public final class TrainingState {

  private final CausalLm model;
  private final AdamW optimizer;
  private final WindowReader windows;
  private final FineTuningMethod method;
  private final Validation validation;
  private final boolean leavesOut;
  private int steps;
  private Attribution attribution;

  /**
   * @param leavesOut whether examples that attribution condemns are left out
   */
  TrainingState(
      CausalLm model,
      AdamW optimizer,
      WindowReader windows,
      FineTuningMethod method,
      Validation validation,
      boolean leavesOut) {
    this.model = model;
    this.optimizer = optimizer;
    this.windows = windows;
    this.method = method;
    this.validation = validation;
    this.leavesOut = leavesOut;
  }

  /** The tensors of a training: vectors, of one tensor for every trained one. */
  public enum Part {
    /** What is trained: the adapter, or every weight. */
    PARAMETERS,
    /** AdamW's running mean of the gradients, named as torch names it. */
    EXP_AVG,
    /** AdamW's running mean of their squares. */
    EXP_AVG_SQ,
    /** What the method remembers: {@link FineTuningMethod#memory()}. Not every one does. */
    METHOD,
    /** The parameters with the smallest validation loss, where they are kept and there are some. */
    BEST
  }

  /** The parts that there are. */
  public List<Part> parts() {
    return Arrays.stream(Part.values()).filter(part -> !vectors(part).isEmpty()).toList();
  }

  /** Optimizer steps done. */
  public int steps() {
    return steps;
  }

  void stepDone() {
    steps++;
  }

  /** How far the data was read. */
  public DataPosition position() {
    return windows.position();
  }

  /** What the validation losses were. */
  public ValidationProgress validation() {
    return validation.progress();
  }

  /** Which examples pull away from the alignment; null until it is measured. */
  public Attribution attribution() {
    return attribution;
  }

  /**
   * @param found null when it could not be measured
   */
  void attributed(Attribution found) {
    attribution = found;
    if (found != null && leavesOut && !found.condemned().isEmpty()) {
      windows.leaveOut(found.condemned(), found.userTaken());
    }
  }

  /**
   * Tensors, under the names of {@link TrainedParameters#copies()}; valid until the next step.
   * Those of several vectors have names that {@link NumberedVectors} gives.
   */
  public TensorContents contents(Part part) {
    return NumberedVectors.contents(vectors(part).stream().map(model.trained()::contents).toList());
  }

  /**
   * Sets tensors as {@link #contents} gave them.
   *
   * @throws io.safegrad.trainer.TrainerException with BAD_DATA when one is missing, unknown or of
   *     another shape
   */
  public void set(Part part, Weights values) {
    List<List<Tensor>> vectors = vectors(part);
    for (int place = 0; place < vectors.size(); place++) {
      model.trained().set(vectors.get(place), NumberedVectors.of(values, place, vectors.size()));
    }
  }

  /**
   * Goes to a later step; the tensors are set after that.
   *
   * @param validated what the validation losses were
   * @param found what attribution had found until then; null for nothing
   */
  public void resumeAfter(
      int stepsDone, DataPosition position, ValidationProgress validated, Attribution found) {
    validation.resume(validated);
    steps = stepsDone;
    attributed(found);
    optimizer.resumeAfter(stepsDone);
    windows.skipTo(position);
  }

  private List<List<Tensor>> vectors(Part part) {
    return switch (part) {
      case PARAMETERS -> List.of(model.parameters());
      case EXP_AVG -> List.of(optimizer.mean());
      case EXP_AVG_SQ -> List.of(optimizer.square());
      case METHOD -> method.memory();
      case BEST -> validation.best().isEmpty() ? List.of() : List.of(validation.best());
    };
  }
}
