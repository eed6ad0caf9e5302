package io.safegrad.trainer.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelConfigTest {

  private static final String LLAMA =
      """
      {"architectures": ["LlamaForCausalLM"], "vocab_size": 100, "hidden_size": 64,
       "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
       "num_key_value_heads": 2, "rms_norm_eps": 1e-05, "hidden_act": "silu"}
      """;

  @Test
  void readsWhatTransformers4Wrote() {
    ModelConfig config =
        read(
            "torch_dtype",
            "\"bfloat16\"",
            "rope_theta",
            "500000.0",
            "rope_scaling",
            """
            {"factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
             "original_max_position_embeddings": 8192, "rope_type": "llama3"}
            """);
    assertThat(config.headDim()).isEqualTo(16);
    assertThat(config.keyValueHeads()).isEqualTo(2);
    assertThat(config.rmsNormEps()).isEqualTo(1e-5);
    assertThat(config.tiedHead()).isFalse();
    float[] plain = RotaryEmbedding.plain(16, 500000).frequencies();
    float[] scaled = config.attention().get(0).rotary().frequencies();
    assertThat(scaled[0]).isEqualTo(plain[0]);
    assertThat(scaled[7]).isEqualTo(plain[7] / 32);
  }

  @Test
  void transformers5WritesTheSameDifferently() {
    ModelConfig old = read("rope_theta", "500000.0");
    ModelConfig current =
        read("rope_parameters", "{\"rope_theta\": 500000.0, \"rope_type\": \"default\"}");
    assertThat(current.attention().get(1).rotary().frequencies())
        .isEqualTo(old.attention().get(1).rotary().frequencies());
  }

  @Test
  void familiesDifferInBiasHeadNormsAndHeadWidth() {
    assertThat(read("architectures", "[\"Qwen2ForCausalLM\"]").qkvBias()).isTrue();
    ModelConfig qwen3 = read("architectures", "[\"Qwen3ForCausalLM\"]", "head_dim", "32");
    assertThat(qwen3.qkNorm()).isTrue();
    assertThat(qwen3.qkvBias()).isFalse();
    assertThat(qwen3.queryWidth()).isEqualTo(128);
    assertThat(read("architectures", "[\"MistralForCausalLM\"]").qkNorm()).isFalse();
  }

  @Test
  void slidingWindowsAreThoseOfTheirLayers() {
    String window = "sliding_window";
    assertThat(windows("Llama", window, "8")).containsExactly(0, 0, 0, 0);
    assertThat(windows("Mistral", window, "8")).containsExactly(8, 8, 8, 8);
    assertThat(windows("Mistral", window, "null")).containsExactly(0, 0, 0, 0);
    assertThat(windows("Mistral")).containsExactly(4096, 4096, 4096, 4096);
    assertThat(windows("Phi3", window, "8")).containsExactly(8, 8, 8, 8);
    assertThat(windows("Qwen2", window, "8", "use_sliding_window", "false"))
        .containsExactly(0, 0, 0, 0);
    String[] fromThird = {window, "8", "use_sliding_window", "true", "max_window_layers", "2"};
    assertThat(windows("Qwen3", fromThird)).containsExactly(0, 0, 8, 8);
    assertThat(windows("Gemma2", window, "8")).containsExactly(8, 0, 8, 0);
    assertThat(windows("Gemma3", window, "8", "sliding_window_pattern", "3"))
        .containsExactly(8, 8, 0, 8);
    String types =
        "[\"full_attention\", \"sliding_attention\", \"full_attention\", \"full_attention\"]";
    assertThat(windows("Gemma3", window, "8", "layer_types", types)).containsExactly(0, 8, 0, 0);
  }

  @Test
  void gemma3HasTwoRopeBases() {
    String[] old = {
      "architectures", "[\"Gemma3ForCausalLM\"]", "head_dim", "16", "num_hidden_layers", "6"
    };
    String[] current = Arrays.copyOf(old, old.length + 2);
    current[old.length] = "rope_parameters";
    current[old.length + 1] =
        """
        {"sliding_attention": {"rope_type": "default", "rope_theta": 10000},
         "full_attention": {"rope_type": "default", "rope_theta": 1000000.0}}
        """;
    for (String[] fields : List.of(old, current)) {
      ModelConfig config = read(fields);
      assertThat(config.attention().get(0).rotary().frequencies())
          .isEqualTo(RotaryEmbedding.plain(16, 1e4).frequencies());
      assertThat(config.attention().get(5).rotary().frequencies())
          .isEqualTo(RotaryEmbedding.plain(16, 1e6).frequencies());
    }
  }

  @Test
  void everyFourthLayerOfSmolLm3HasNoPositions() {
    ModelConfig config =
        read("architectures", "[\"SmolLM3ForCausalLM\"]", "num_hidden_layers", "4");
    assertThat(config.attention().get(2).rotary().frequencies()).hasSize(8);
    assertThat(config.attention().get(3).rotary().frequencies()).isEmpty();
    assertThat(config.tiedHead()).isTrue();
  }

  @Test
  void longRopeHoldsToTheOriginalContext() {
    ModelConfig config =
        read(
            "architectures",
            "[\"Phi3ForCausalLM\"]",
            "partial_rotary_factor",
            "0.5",
            "max_position_embeddings",
            "131072",
            "original_max_position_embeddings",
            "4096",
            "rope_scaling",
            "{\"type\": \"longrope\", \"short_factor\": [1, 2, 4, 8], \"long_factor\": [9, 9, 9, 9]}");
    RotaryEmbedding rotary = config.attention().get(0).rotary();
    float[] plain = RotaryEmbedding.plain(8, 10000).frequencies();
    assertThat(rotary.frequencies())
        .containsExactly(plain[0], plain[1] / 2, plain[2] / 4, plain[3] / 8);
    assertThat(rotary.magnitude()).isEqualTo(Math.sqrt(1 + Math.log(32) / Math.log(4096)));
    config.requireSupportedLength(4096);
    assertThatThrownBy(() -> config.requireSupportedLength(4097))
        .hasMessageContainingAll("longrope", "4096", "4097", "training.maxLength");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "architectures | [\"FalconForCausalLM\"] | \"FalconForCausalLM\" is not supported; supported"
            + " are LlamaForCausalLM, MistralForCausalLM, Qwen2ForCausalLM, Qwen3ForCausalLM,"
            + " Gemma2ForCausalLM, Gemma3ForCausalLM, Phi3ForCausalLM, SmolLM3ForCausalLM",
        "architectures | [] | architecture is missing",
        "hidden_act | \"gelu\" | hidden_act is \"gelu\"",
        "attention_bias | true | attention_bias is true",
        "mlp_bias | true | mlp_bias is true",
        "quantization_config | {\"bits\": 4} | quantization_config",
        "partial_rotary_factor | 0.5 | partial_rotary_factor is 0.5",
        "rope_scaling | {\"type\": \"yarn\", \"factor\": 4.0} | rope type \"yarn\" is not supported",
      })
  void whatIsNotImplementedIsRefused(String field, String value, String message) {
    assertThatThrownBy(() -> read(field, value))
        .isInstanceOfSatisfying(
            TrainerException.class, e -> assertThat(e.reason()).isEqualTo(ExitReason.BAD_PLAN))
        .hasMessageStartingWith("config.json: ")
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "hidden_size | null | hidden_size is null; expected a positive whole number",
        "vocab_size | -1 | vocab_size is -1",
        "num_attention_heads | 5 | num_attention_heads is 5; expected a divisor of hidden_size 64",
        "num_key_value_heads | 3 | num_key_value_heads is 3; expected a divisor of"
            + " num_attention_heads 4",
        "rms_norm_eps | \"x\" | rms_norm_eps is \"x\"; expected a positive number",
        "head_dim | 7 | head_dim is 7; expected an even number",
        "rope_scaling | {\"rope_type\": \"llama3\"} | factor is missing",
        "rope_scaling | {\"type\": \"longrope\"} | original_max_position_embeddings is missing",
      })
  void whatIsBrokenIsNamed(String field, String value, String message) {
    assertThatThrownBy(() -> read(field, value))
        .isInstanceOfSatisfying(
            TrainerException.class, e -> assertThat(e.reason()).isEqualTo(ExitReason.BAD_DATA))
        .hasMessageContaining(message);
  }

  private static List<Integer> windows(String family, String... fieldsAndValues) {
    List<String> fields =
        new ArrayList<>(
            List.of(
                "architectures",
                "[\"%sForCausalLM\"]".formatted(family),
                "num_hidden_layers",
                "4"));
    fields.addAll(List.of(fieldsAndValues));
    return read(fields.toArray(String[]::new)).attention().stream()
        .map(ModelConfig.LayerAttention::window)
        .toList();
  }

  private static ModelConfig read(String... fieldsAndValues) {
    ObjectMapper mapper = new ObjectMapper();
    try {
      ObjectNode config = (ObjectNode) mapper.readTree(LLAMA);
      for (int i = 0; i < fieldsAndValues.length; i += 2) {
        config.set(fieldsAndValues[i], mapper.readTree(fieldsAndValues[i + 1]));
      }
      return ModelConfig.of(config);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(e);
    }
  }
}
