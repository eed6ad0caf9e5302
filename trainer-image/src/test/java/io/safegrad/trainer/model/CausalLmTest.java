package io.safegrad.trainer.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.safegrad.api.ExitReason;
import io.safegrad.api.v1alpha1.Lora;
import io.safegrad.api.v1alpha1.Lora.TargetModule;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.api.v1alpha1.Training.Mode;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.weights.FloatTensor;
import io.safegrad.trainer.weights.Weights;
import java.nio.FloatBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

class CausalLmTest {

  private static final String PREFIX = "base_model.model.model.layers.";

  private final Golden golden = Golden.of("llama");
  private final Batch batch = Batch.of(golden.examples("user").subList(0, 2));

  @Test
  void aNewAdapterChangesNothing() {
    try (CausalLm adapted = golden.load(Golden.training(Mode.Lora, 1));
        CausalLm full = golden.load(Golden.training(Mode.Full, 1))) {
      assertThat(adapted.losses().logits(batch).values())
          .isEqualTo(full.losses().logits(batch).values());
    }
  }

  @Test
  void anAdapterStartsAsPeftInitialisesIt() {
    try (CausalLm model = golden.load(Golden.training(Mode.Lora, 1))) {
      Map<String, FloatTensor> adapter = model.trained().copies();
      assertThat(adapter).hasSize(2 * 7 * 2);
      FloatTensor a = adapter.get(PREFIX + "1.mlp.down_proj.lora_A.weight");
      assertThat(a.shape()).containsExactly(4, 48);
      float bound = (float) (1 / Math.sqrt(48));
      double square = 0;
      for (float value : a.values()) {
        assertThat(value).isBetween(-bound, bound);
        square += value * value / (double) a.values().length;
      }
      assertThat(square).isBetween(0.8 * bound * bound / 3, 1.2 * bound * bound / 3);
      FloatTensor b = adapter.get(PREFIX + "1.mlp.down_proj.lora_B.weight");
      assertThat(b.shape()).containsExactly(32, 4);
      assertThat(b.values()).containsOnly(0);
    }
  }

  @Test
  void anySubsetOfTheLinearsCanBeAdapted() {
    Training training = withTargets(TargetModule.v_proj, TargetModule.q_proj, TargetModule.up_proj);
    Map<String, FloatTensor> whole = golden.tensors("adapter.safetensors");
    Map<String, FloatTensor> subset = new LinkedHashMap<>();
    Map<String, FloatTensor> others = new LinkedHashMap<>();
    whole.forEach(
        (name, tensor) -> {
          boolean kept = name.matches(".*(q_proj|v_proj|up_proj).*");
          float[] zeros = new float[tensor.values().length];
          others.put(name, kept ? tensor : new FloatTensor(tensor.shape(), zeros));
          if (kept) {
            subset.put(name, tensor);
          }
        });
    try (CausalLm some = golden.load(training);
        CausalLm all = golden.load(Golden.training(Mode.Lora, 1))) {
      some.trained().set(subset);
      all.trained().set(others);
      assertThat(some.trained().copies().keySet()).isEqualTo(subset.keySet());
      assertThat(some.losses().logits(batch).values())
          .usingComparatorWithPrecision(1e-5f)
          .containsExactly(all.losses().logits(batch).values());
    }
  }

  @ParameterizedTest
  @FieldSource("io.safegrad.trainer.model.Golden#FAMILIES")
  void whatIsLoadedIsWhatIsSaved(String family) {
    Golden golden = Golden.of(family);
    for (Mode mode : Mode.values()) {
      try (CausalLm model = golden.load(Golden.training(mode, 1))) {
        String file = mode == Mode.Full ? "model.safetensors" : "adapter.safetensors";
        Map<String, FloatTensor> tensors = golden.tensors(file);
        model.trained().set(tensors);
        Map<String, FloatTensor> found = model.trained().copies();
        assertThat(found.keySet()).isEqualTo(tensors.keySet());
        tensors.forEach(
            (name, tensor) ->
                assertThat(found.get(name).values()).as(name).isEqualTo(tensor.values()));
      }
    }
  }

  @Test
  void anAdapterThatDoesNotFitIsRefused() {
    try (CausalLm model = golden.load(Golden.training(Mode.Lora, 1))) {
      String name = PREFIX + "0.self_attn.q_proj.lora_A.weight";
      Map<String, FloatTensor> adapter = new LinkedHashMap<>(model.trained().copies());
      FloatTensor good = adapter.put(name, new FloatTensor(new long[] {1, 2}, new float[2]));
      assertBadData(
          () -> model.trained().set(adapter), name + " has shape [1, 2]; expected [4, 32]");
      adapter.remove(name);
      assertBadData(() -> model.trained().set(adapter), "lacks the tensor " + name);
      adapter.put(name, good);
      adapter.put("extra", good);
      assertBadData(() -> model.trained().set(adapter), "does not train: extra");
    }
  }

  @Test
  void fusedLinearsAreAdaptedAsOne() {
    Golden phi3 = Golden.of("phi3");
    try (CausalLm model = phi3.load(withTargets(TargetModule.gate_proj, TargetModule.up_proj))) {
      assertThat(model.trained().copies().keySet())
          .hasSize(2 * 2)
          .contains(PREFIX + "0.mlp.gate_up_proj.lora_A.weight")
          .contains(PREFIX + "1.mlp.gate_up_proj.lora_B.weight");
    }
    assertThatThrownBy(() -> phi3.load(withTargets(TargetModule.q_proj, TargetModule.v_proj)))
        .isInstanceOfSatisfying(
            TrainerException.class, e -> assertThat(e.reason()).isEqualTo(ExitReason.BAD_PLAN))
        .hasMessage(
            "training.lora.targetModules names [q_proj, v_proj]; expected all of [q_proj, k_proj,"
                + " v_proj] or none, because this model has them as one linear, qkv_proj");
  }

  @Test
  void aCheckpointOfAnotherShapeIsRefused() {
    ModelConfig config = ModelConfig.of(Golden.json(Golden.resource("llama/config.json")));
    Weights weights =
        new Weights() {
          @Override
          public Set<String> names() {
            return Set.of();
          }

          @Override
          public long[] shape(String name) {
            return new long[] {96, 31};
          }

          @Override
          public void readFloat32(String name, FloatBuffer destination) {
            throw new AssertionError("read a tensor of the wrong shape");
          }

          @Override
          public void close() {}
        };
    assertBadData(
        () -> CausalLm.load(config, weights, Golden.training(Mode.Lora, 1)),
        "model.embed_tokens.weight has shape [96, 31]; expected [96, 32]");
  }

  @Test
  void aTokenOutsideOfTheVocabularyIsRefused() {
    try (CausalLm model = golden.load(Golden.training(Mode.Lora, 1))) {
      assertBadData(
          () -> model.generate(List.of(new int[] {1, 96}), 1, Set.of()),
          "token id 96; expected one below the vocab_size 96");
    }
  }

  private static void assertBadData(Runnable action, String message) {
    assertThatThrownBy(action::run)
        .isInstanceOfSatisfying(
            TrainerException.class, e -> assertThat(e.reason()).isEqualTo(ExitReason.BAD_DATA))
        .hasMessageContaining(message);
  }

  private static Training withTargets(TargetModule... targets) {
    Training all = Golden.training(Mode.Lora, 1);
    return new Training(
        all.mode(),
        all.epochs(),
        all.maxSteps(),
        all.batchSize(),
        all.gradientAccumulationSteps(),
        all.maxLength(),
        all.packing(),
        all.groupByLength(),
        all.learningRate(),
        all.scheduler(),
        all.warmupRatio(),
        all.weightDecay(),
        all.maxGradNorm(),
        all.seed(),
        all.saveSteps(),
        all.saveTotalLimit(),
        new Lora(all.lora().rank(), all.lora().alpha(), List.of(targets)));
  }
}
