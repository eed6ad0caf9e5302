package io.safegrad.trainer.weights;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.Golden;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What vLLM and llama.cpp ask of an adapter, of one that this trainer has trained. */
class AdapterRulesTest {

  /** {@code PEFTHelper} and {@code parse_fine_tuned_lora_name} of vLLM. */
  private static final Pattern VLLM_NAME =
      Pattern.compile("base_model\\.model\\.(.+\\.(\\w+))\\.lora_[AB]\\.weight");

  @TempDir Path folder;

  private JsonNode config;
  private Map<String, FloatTensor> tensors;

  @BeforeEach
  void write() throws IOException {
    Training training = Golden.training(Training.Mode.Lora, 1);
    try (CausalLm model = Golden.of("llama").load(training)) {
      PeftAdapter.write(folder, model.trained().copies(), training.lora(), "org/name", null);
    }
    config = new ObjectMapper().readTree(folder.resolve("adapter_config.json").toFile());
    tensors = SafetensorsFile.read(folder.resolve("adapter_model.safetensors"));
  }

  @Test
  void vllmLoadsIt() {
    assertThat(config.path("r").isIntegralNumber()).isTrue();
    assertThat(config.path("r").asInt()).as("without --max-lora-rank").isLessThanOrEqualTo(16);
    assertThat(config.path("lora_alpha").isNumber()).isTrue();
    assertThat(config.path("bias").asText()).isEqualTo("none");
    assertThat(config.path("modules_to_save").isNull()).isTrue();
    assertThat(config.path("use_dora").asBoolean()).isFalse();
    Set<String> targets = new HashSet<>();
    config.path("target_modules").forEach(target -> targets.add(target.asText()));
    Set<String> found = new HashSet<>();
    for (String name : tensors.keySet()) {
      Matcher matcher = VLLM_NAME.matcher(name);
      assertThat(matcher.matches()).as(name).isTrue();
      found.add(matcher.group(2));
    }
    assertThat(found).isEqualTo(targets);
  }

  /** {@code convert_lora_to_gguf.py}: only pairs of factors, and a scale of alpha / r. */
  @Test
  void llamaCppConvertsIt() {
    assertThat(config.path("base_model_name_or_path").asText()).isEqualTo("org/name");
    assertThat(config.path("use_rslora").asBoolean()).isFalse();
    assertThat(PeftAdapter.read(folder).scale())
        .isEqualTo(config.path("lora_alpha").asDouble() / config.path("r").asDouble());
    for (String name : tensors.keySet()) {
      String other =
          name.contains("lora_A")
              ? name.replace("lora_A", "lora_B")
              : name.replace("lora_B", "lora_A");
      assertThat(tensors).containsKey(other);
      long[] a = tensors.get(name.replace("lora_B", "lora_A")).shape();
      long[] b = tensors.get(name.replace("lora_A", "lora_B")).shape();
      assertThat(a[0]).isEqualTo(b[1]).isEqualTo(config.path("r").asLong());
      String module = name.replaceFirst("base_model\\.model\\.", "").replaceFirst("lora_.*", "");
      assertThat(GgufWeights.ggufName(module + "weight")).as(name).isPresent();
    }
  }
}
