package io.safegrad.trainer.model;

import io.safegrad.api.ExitReason;
import io.safegrad.api.v1alpha1.Lora;
import io.safegrad.api.v1alpha1.Lora.TargetModule;
import io.safegrad.trainer.TrainerException;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * Linears of a decoder layer that read the same input, in the order in which their rows stand in
 * one matrix.
 *
 * @param block the module they are in
 * @param in width of the input
 * @param places adapters that the layer's operators have room for; at least one for each linear
 */
record LinearGroup(String block, int in, int places, List<Linear> linears) {

  /**
   * One linear of the checkpoint.
   *
   * @param name as Hugging Face has it
   * @param out rows of its weight
   * @param modules the names by which {@code targetModules} knows it: its own, or those of the
   *     linears that are fused in it
   */
  record Linear(String name, int out, Set<TargetModule> modules) {

    private Linear(TargetModule module, int out) {
      this(module.name(), out, EnumSet.of(module));
    }

    /**
     * Whether it gets an adapter.
     *
     * @throws TrainerException with BAD_PLAN when only some of what is fused in it is to be adapted
     */
    boolean adaptedBy(Lora lora) {
      Set<TargetModule> named = new TreeSet<>(lora.targetModules());
      named.retainAll(modules);
      if (!named.isEmpty() && named.size() < modules.size()) {
        throw new TrainerException(
            ExitReason.BAD_PLAN,
            "training.lora.targetModules names %s; expected all of %s or none, because this model has them as one linear, %s"
                .formatted(named, modules, name));
      }
      return !named.isEmpty();
    }
  }

  /** Elements of a layer's largest matrix. */
  static long largestMatrix(ModelConfig config) {
    return all(config).stream()
        .mapToLong(group -> (long) group.out() * group.in())
        .max()
        .orElseThrow();
  }

  int out() {
    return linears.stream().mapToInt(Linear::out).sum();
  }

  /** Those of a layer, in the order in which its adapters stand. */
  static List<LinearGroup> all(ModelConfig config) {
    return List.of(queryKeyValue(config), output(config), gateUp(config), down(config));
  }

  static LinearGroup queryKeyValue(ModelConfig config) {
    return group(
        config,
        "self_attn",
        "qkv_proj",
        new Linear(TargetModule.q_proj, config.queryWidth()),
        new Linear(TargetModule.k_proj, config.keyValueWidth()),
        new Linear(TargetModule.v_proj, config.keyValueWidth()));
  }

  static LinearGroup output(ModelConfig config) {
    Linear linear = new Linear(TargetModule.o_proj, config.hiddenSize());
    return new LinearGroup("self_attn", config.queryWidth(), 1, List.of(linear));
  }

  static LinearGroup gateUp(ModelConfig config) {
    return group(
        config,
        "mlp",
        "gate_up_proj",
        new Linear(TargetModule.gate_proj, config.intermediateSize()),
        new Linear(TargetModule.up_proj, config.intermediateSize()));
  }

  static LinearGroup down(ModelConfig config) {
    Linear linear = new Linear(TargetModule.down_proj, config.hiddenSize());
    return new LinearGroup("mlp", config.intermediateSize(), 1, List.of(linear));
  }

  private static LinearGroup group(
      ModelConfig config, String block, String fusedName, Linear... linears) {
    LinearGroup group =
        new LinearGroup(block, config.hiddenSize(), linears.length, List.of(linears));
    if (!config.fusedLinears()) {
      return group;
    }
    Set<TargetModule> modules = EnumSet.noneOf(TargetModule.class);
    Stream.of(linears).map(Linear::modules).forEach(modules::addAll);
    Linear fused =
        new Linear(fusedName, Arrays.stream(linears).mapToInt(Linear::out).sum(), modules);
    return new LinearGroup(block, config.hiddenSize(), linears.length, List.of(fused));
  }
}
