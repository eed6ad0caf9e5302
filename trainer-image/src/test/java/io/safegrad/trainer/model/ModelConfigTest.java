package io.safegrad.trainer.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
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
    float[] scaled = config.rotary().frequencies();
    assertThat(scaled[0]).isEqualTo(plain[0]);
    assertThat(scaled[7]).isEqualTo(plain[7] / 32);
  }

  @Test
  void transformers5WritesTheSameDifferently() {
    ModelConfig old = read("rope_theta", "500000.0");
    ModelConfig current =
        read("rope_parameters", "{\"rope_theta\": 500000.0, \"rope_type\": \"default\"}");
    assertThat(current.rotary().frequencies()).isEqualTo(old.rotary().frequencies());
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
  void aSlidingWindowIsRefusedOnlyForLongerSequences() {
    ModelConfig mistral =
        read("architectures", "[\"MistralForCausalLM\"]", "sliding_window", "4096");
    mistral.requireFullAttention(4096);
    assertThatThrownBy(() -> mistral.requireFullAttention(4097))
        .hasMessageContainingAll("sliding_window", "4096", "4097", "maxLength");
    ModelConfig qwen =
        read(
            "architectures",
            "[\"Qwen2ForCausalLM\"]",
            "sliding_window",
            "8",
            "use_sliding_window",
            "false");
    qwen.requireFullAttention(1000);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "architectures | [\"GemmaForCausalLM\"] | \"GemmaForCausalLM\" is not supported; supported"
            + " are LlamaForCausalLM, MistralForCausalLM, Qwen2ForCausalLM, Qwen3ForCausalLM",
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
        "num_key_value_heads | 3 | num_key_value_heads is 3; expected a divisor of 4",
        "rms_norm_eps | \"x\" | rms_norm_eps is \"x\"; expected a positive number",
        "head_dim | 7 | head_dim is 7; expected an even number",
        "rope_scaling | {\"rope_type\": \"llama3\"} | factor is missing",
      })
  void whatIsBrokenIsNamed(String field, String value, String message) {
    assertThatThrownBy(() -> read(field, value))
        .isInstanceOfSatisfying(
            TrainerException.class, e -> assertThat(e.reason()).isEqualTo(ExitReason.BAD_DATA))
        .hasMessageContaining(message);
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
