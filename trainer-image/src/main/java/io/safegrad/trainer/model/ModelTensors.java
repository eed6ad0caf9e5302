package io.safegrad.trainer.model;

import io.safegrad.trainer.tensor.Tensor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * One tensor for each tensor of a model: its parameters, or a gradient of them. A tensor that is
 * not there (a frozen one's gradient, the bias of a family without it) is an empty tensor.
 *
 * @param embedding [vocabulary, hidden]
 * @param norm the final norm's weight, [hidden]
 * @param head [vocabulary, hidden]; the same object as embedding when they are tied
 * @param layers the decoder layers, first to last
 */
record ModelTensors(Tensor embedding, Tensor norm, Tensor head, List<Layer> layers) {

  /**
   * One decoder layer, in the order that {@code decoder_layer.torchscript} names.
   *
   * @param weights the layer's own tensors
   * @param adapter the factors of its LoRA adapters
   */
  record Layer(List<Tensor> weights, List<Tensor> adapter) {

    private static final List<Integer> FACTORS_A = List.of(0, 4, 6, 9);

    /** Values for each token between the two factors of its adapters. */
    long adapterWidth() {
      return FACTORS_A.stream().mapToLong(index -> adapter.get(index).shape()[0]).sum();
    }
  }

  /** Tensors made from these; those that are the same object here are the same object there. */
  ModelTensors map(UnaryOperator<Tensor> weights, UnaryOperator<Tensor> adapter) {
    Map<Tensor, Tensor> made = new IdentityHashMap<>();
    UnaryOperator<Tensor> once = tensor -> made.computeIfAbsent(tensor, weights);
    return new ModelTensors(
        once.apply(embedding),
        once.apply(norm),
        once.apply(head),
        layers.stream()
            .map(
                layer ->
                    new Layer(
                        layer.weights.stream().map(once).toList(),
                        layer.adapter.stream().map(adapter).toList()))
            .toList());
  }

  /** The same by layer, first to last; before them those that are in no layer, if there are any. */
  List<List<Tensor>> layered() {
    List<Tensor> left = new ArrayList<>(flat());
    List<List<Tensor>> groups = new ArrayList<>();
    for (Layer layer : layers) {
      List<Tensor> group =
          Stream.concat(layer.weights.stream(), layer.adapter.stream())
              .filter(tensor -> tensor.size() > 0)
              .toList();
      groups.add(group);
      left.removeAll(group);
    }
    if (!left.isEmpty()) {
      groups.add(0, List.copyOf(left));
    }
    return List.copyOf(groups);
  }

  /** All tensors that are not empty, each once, always in the same order. */
  List<Tensor> flat() {
    Set<Tensor> found = Collections.newSetFromMap(new IdentityHashMap<>());
    return Stream.concat(
            Stream.of(embedding, norm, head),
            layers.stream()
                .flatMap(layer -> Stream.concat(layer.weights.stream(), layer.adapter.stream())))
        .filter(tensor -> tensor.size() > 0 && found.add(tensor))
        .toList();
  }
}
