package io.safegrad.trainer.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.safegrad.api.ExitReason;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.trainer.GoldenFiles;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.Golden;
import io.safegrad.trainer.model.ModelConfig;
import io.safegrad.trainer.weights.FloatTensor;
import io.safegrad.trainer.weights.PeftAdapter;
import io.safegrad.trainer.weights.PretrainedModel;
import io.safegrad.trainer.weights.SafetensorsFile;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class MergedWeightsTest {

  private static final String Q = "base_model.model.model.layers.0.self_attn.q_proj.";

  static Iterable<String> families() {
    return Golden.FAMILIES;
  }

  @ParameterizedTest
  @MethodSource("families")
  void theMergedModelSaysWhatTheModelWithItsAdapterSays(String family) {
    Golden golden = Golden.of(family);
    Training training = Golden.training(Training.Mode.Lora, 1);
    int[] ids = golden.examples("user").get(0).inputIds();
    PeftAdapter adapter =
        new PeftAdapter(training.lora(), null, null, golden.tensors("adapter.safetensors"));
    ModelConfig config =
        ModelConfig.of(Golden.json(Golden.resource(family).resolve("config.json")));

    try (SafetensorsFile start =
            SafetensorsFile.open(Golden.resource(family).resolve("model.safetensors"));
        CausalLm adapted = golden.loadWithAdapter(training);
        CausalLm plain = golden.load(training);
        MergedWeights merged = MergedWeights.of(start, adapter);
        CausalLm model = CausalLm.load(config, merged)) {
      float[] expected = Models.logits(adapted, ids);
      assertThat(Models.difference(expected, Models.logits(plain, ids))).isGreaterThan(0.01);
      assertThat(Models.difference(expected, Models.logits(model, ids))).isLessThan(5e-6);
      assertThat(model.generate(List.of(ids), 12, Set.of()).get(0))
          .isEqualTo(adapted.generate(List.of(ids), 12, Set.of()).get(0));
    }
  }

  @Test
  void aRankStabilisedAdapterIsScaledByTheRootOfItsRank() {
    Golden golden = Golden.of("llama");
    Training training = Golden.rankStabilised();
    int[] ids = golden.examples("user").get(0).inputIds();
    ModelConfig config =
        ModelConfig.of(Golden.json(Golden.resource("llama").resolve("config.json")));
    PeftAdapter adapter =
        new PeftAdapter(training.lora(), null, null, golden.tensors("adapter.safetensors"));
    PeftAdapter plain =
        new PeftAdapter(
            Golden.training(Training.Mode.Lora, 1).lora(), null, null, adapter.tensors());

    try (SafetensorsFile start =
            SafetensorsFile.open(Golden.resource("llama").resolve("model.safetensors"));
        CausalLm adapted = golden.loadWithAdapter(training);
        MergedWeights merged = MergedWeights.of(start, adapter);
        MergedWeights byRank = MergedWeights.of(start, plain);
        CausalLm model = CausalLm.load(config, merged);
        CausalLm scaledByRank = CausalLm.load(config, byRank)) {
      float[] expected = Models.logits(adapted, ids);
      assertThat(Models.difference(expected, Models.logits(model, ids))).isLessThan(5e-6);
      assertThat(Models.difference(expected, Models.logits(scaledByRank, ids))).isGreaterThan(0.01);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        "lora_B.weight ~ '' ~ module model.layers.0.self_attn.q_proj has one factor; expected"
            + " lora_A and lora_B",
        "lora_A.weight ~ lora_A.bias ~ tensor " + Q + "lora_A.bias is not a factor of a LoRA",
      })
  void anAdapterThatIsNotWholeIsRefused(String from, String to, String message) {
    PeftAdapter adapter = PeftAdapter.read(GoldenFiles.path("peft-adapter"));
    Map<String, FloatTensor> tensors = new TreeMap<>(adapter.tensors());
    FloatTensor tensor = tensors.remove(Q + from);
    if (!to.isEmpty()) {
      tensors.put(Q + to, tensor);
    }
    assertRefused("toy-llama", new PeftAdapter(adapter.lora(), null, null, tensors), message);
  }

  @Test
  void anAdapterOfAnotherModelIsRefused() {
    PeftAdapter adapter = PeftAdapter.read(GoldenFiles.path("peft-adapter"));

    assertRefused(
        "toy-qwen2.gguf",
        adapter,
        "it adapts model.layers.1.mlp.down_proj, which the model does not have");
    Map<String, FloatTensor> wider = new TreeMap<>(adapter.tensors());
    wider.put(Q + "lora_A.weight", new FloatTensor(new long[] {4, 2}, new float[8]));
    assertRefused(
        "toy-llama",
        new PeftAdapter(adapter.lora(), null, null, wider),
        "the factors of model.layers.0.self_attn.q_proj have the shapes [4, 2] and [32, 4];"
            + " expected [r, in] and [out, r] for a weight of [32, 32] and r 4");
  }

  private static void assertRefused(String model, PeftAdapter adapter, String message) {
    try (PretrainedModel start = PretrainedModel.open(GoldenFiles.path(model))) {
      assertThatThrownBy(() -> MergedWeights.of(start.weights(), adapter))
          .isInstanceOf(TrainerException.class)
          .hasMessageStartingWith("the adapter does not belong to this model: " + message)
          .extracting(e -> ((TrainerException) e).reason())
          .isEqualTo(ExitReason.BAD_DATA);
    }
  }
}
