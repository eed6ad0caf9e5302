package io.safegrad.trainer.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.api.v1alpha1.Lora;
import io.safegrad.api.v1alpha1.Lora.TargetModule;
import io.safegrad.trainer.GoldenFiles;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PeftAdapterTest {

  @TempDir Path folder;

  @Test
  void readsWhatPeftWrites() {
    PeftAdapter adapter = PeftAdapter.read(GoldenFiles.path("peft-adapter"));

    assertThat(adapter.lora())
        .isEqualTo(new Lora(4, 8, List.of(TargetModule.down_proj, TargetModule.q_proj)));
    assertThat(adapter.baseModelName()).isEqualTo("org/toy-llama");
    assertThat(adapter.revision()).isEqualTo("main");
    JsonNode golden = GoldenFiles.json("peft-adapter.expected.json");
    assertThat(adapter.tensors()).hasSize(golden.size()).hasSize(8);
    for (Map.Entry<String, JsonNode> expected : golden.properties()) {
      FloatTensor tensor = adapter.tensors().get(expected.getKey());
      double sum = 0;
      for (float value : tensor.values()) {
        sum += value;
      }
      assertThat(new ObjectMapper().<JsonNode>valueToTree(tensor.shape()).toString())
          .isEqualTo(expected.getValue().path("shape").toString());
      assertThat(sum).isCloseTo(expected.getValue().path("sum").asDouble(), within(1e-9));
    }
  }

  @Test
  void rankStabilisedLoraIsWrittenAndRead() throws IOException {
    PeftAdapter plain = PeftAdapter.read(GoldenFiles.path("peft-adapter"));
    Lora lora = new Lora(4, 8, 0.1, true, plain.lora().targetModules());
    PeftAdapter.write(folder, plain.tensors(), lora, "org/toy-llama", "main");

    JsonNode config = new ObjectMapper().readTree(folder.resolve("adapter_config.json").toFile());
    assertThat(config.get("use_rslora").asBoolean()).isTrue();
    assertThat(config.get("lora_dropout").asDouble()).isEqualTo(0.1);
    Lora read = PeftAdapter.read(folder).lora();
    assertThat(read).isEqualTo(new Lora(4, 8, 0.0, true, lora.targetModules()));
    assertThat(PeftAdapter.read(folder).scale()).isEqualTo(4);
    assertThat(plain.scale()).isEqualTo(2);
  }

  @Test
  void writesWhatPeftWrites() throws IOException {
    PeftAdapter adapter = PeftAdapter.read(GoldenFiles.path("peft-adapter"));
    Path written = folder.resolve("out/adapter");
    PeftAdapter.write(written, adapter.tensors(), adapter.lora(), "org/toy-llama", "main");

    assertThat(written.resolve("adapter_model.safetensors"))
        .hasSameBinaryContentAs(GoldenFiles.path("peft-adapter/adapter_model.safetensors"));
    JsonNode config = new ObjectMapper().readTree(written.resolve("adapter_config.json").toFile());
    assertThat(config).isEqualTo(GoldenFiles.json("peft-adapter.written.json"));
    PeftAdapter again = PeftAdapter.read(written);
    assertThat(again.lora()).isEqualTo(adapter.lora());
    assertThat(again.tensors().keySet()).isEqualTo(adapter.tensors().keySet());
  }

  @Test
  void targetsAreNamedAsTheModelHasThem() {
    Lora lora = new Lora(4, 8, List.of(TargetModule.values()));
    FloatTensor any = new FloatTensor(new long[] {1}, new float[1]);
    String prefix = "base_model.model.model.layers.0.";
    PeftAdapter.write(
        folder,
        Map.of(
            prefix + "self_attn.qkv_proj.lora_A.weight", any,
            prefix + "mlp.gate_up_proj.lora_A.weight", any),
        lora,
        "org/phi-3",
        null);

    JsonNode config = JsonFile.readObject(folder.resolve("adapter_config.json"));
    assertThat(config.path("target_modules").toString())
        .isEqualTo("[\"down_proj\",\"gate_up_proj\",\"o_proj\",\"qkv_proj\"]");
    assertThat(PeftAdapter.read(folder).lora().targetModules())
        .containsExactlyInAnyOrder(TargetModule.values());
  }

  @Test
  void anAdapterWithoutARevisionSaysNull() {
    Lora lora = new Lora(4, 8, List.of(TargetModule.q_proj));
    PeftAdapter.write(folder, Map.of(), lora, "builtin://tiny-aligned", null);

    assertThat(PeftAdapter.read(folder).revision()).isNull();
    assertThat(PeftAdapter.read(folder).baseModelName()).isEqualTo("builtin://tiny-aligned");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      value = {
        "peft_type ~ \"LOHA\" ~ field peft_type: expected LORA",
        "bias ~ \"all\" ~ field bias: expected none",
        "use_dora ~ true ~ field use_dora: expected false",
        "modules_to_save ~ [\"lm_head\"] ~ field modules_to_save: expected none",
        "rank_pattern ~ {\"q_proj\": 2} ~ field rank_pattern: expected none",
        "r ~ 0 ~ field r: expected a whole number of at least 1",
        "lora_alpha ~ \"8\" ~ field lora_alpha: expected a whole number of at least 1",
        "target_modules ~ \"all-linear\" ~ field target_modules: expected a list of at least one"
            + " module",
        "target_modules ~ [\"lm_head\"] ~ field target_modules: expected some of",
      })
  void anAdapterOfAnotherKindIsRefused(String field, String value, String message)
      throws IOException {
    ObjectNode config = (ObjectNode) GoldenFiles.json("peft-adapter/adapter_config.json");
    config.set(field, new ObjectMapper().readTree(value));
    Path file = folder.resolve("adapter_config.json");
    Files.writeString(file, config.toString());

    assertThatThrownBy(() -> PeftAdapter.read(folder))
        .isInstanceOf(TrainerException.class)
        .hasMessageStartingWith(file + ": " + message);
  }

  @Test
  void aMissingFileIsNamed() {
    assertThatThrownBy(() -> PeftAdapter.read(folder))
        .hasMessage(
            folder.resolve("adapter_config.json") + ": expected a JSON file, but there is none");
  }
}
