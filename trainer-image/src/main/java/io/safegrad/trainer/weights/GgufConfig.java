package io.safegrad.trainer.weights;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.nio.FloatBuffer;
import java.util.Map;

/** A GGUF file's metadata as Hugging Face's {@code config.json}. */
final class GgufConfig {

  private static final Map<String, String> ARCHITECTURES =
      Map.of(
          "llama", "LlamaForCausalLM",
          "qwen2", "Qwen2ForCausalLM",
          "qwen3", "Qwen3ForCausalLM");

  // The constants of Llama 3's scaling, the same in all of its models.
  private static final double LOW_FREQUENCY_FACTOR = 1;
  private static final double HIGH_FREQUENCY_FACTOR = 4;
  private static final int ORIGINAL_CONTEXT = 8192;

  private GgufConfig() {}

  /**
   * The configuration.
   *
   * @throws TrainerException with BAD_PLAN for an architecture other than llama (Mistral comes as
   *     one), qwen2 and qwen3, for experts, and for a rotary scaling that is not Llama 3's; with
   *     BAD_DATA for a missing field
   */
  static ObjectNode read(TensorFile file, GgufHeader header) {
    GgufMetadata metadata = header.metadata();
    String architecture = metadata.text("general.architecture");
    if (!ARCHITECTURES.containsKey(architecture)) {
      throw unsupported(
          file,
          "the architecture "
              + architecture
              + " is not supported; expected one of llama, qwen2, qwen3");
    }
    String prefix = architecture + ".";
    if (metadata.integer(prefix + "expert_count", 0) > 0) {
      throw unsupported(file, "a mixture of experts is not supported");
    }
    GgufHeader.Entry embeddings = header.tensors().get("token_embd.weight");
    if (embeddings == null || embeddings.shape().length != 2) {
      throw file.badData("expected a tensor token_embd.weight of two dimensions");
    }
    long heads = metadata.integer(prefix + "attention.head_count");
    long hiddenSize = metadata.integer(prefix + "embedding_length");
    ObjectNode config = JsonNodeFactory.instance.objectNode();
    boolean mistral =
        architecture.equals("llama") && metadata.has(prefix + "attention.sliding_window");
    config
        .putArray("architectures")
        .add(mistral ? "MistralForCausalLM" : ARCHITECTURES.get(architecture));
    config.put("model_type", architecture);
    config.put("vocab_size", embeddings.shape()[0]);
    config.put("hidden_size", hiddenSize);
    config.put("intermediate_size", metadata.integer(prefix + "feed_forward_length"));
    config.put("num_hidden_layers", metadata.integer(prefix + "block_count"));
    config.put("num_attention_heads", heads);
    config.put("num_key_value_heads", metadata.integer(prefix + "attention.head_count_kv", heads));
    config.put(
        "head_dim",
        metadata.integer(
            prefix + "attention.key_length",
            metadata.integer(prefix + "rope.dimension_count", hiddenSize / Math.max(1, heads))));
    config.put("hidden_act", "silu");
    config.put("max_position_embeddings", metadata.integer(prefix + "context_length"));
    config.put("rms_norm_eps", metadata.number(prefix + "attention.layer_norm_rms_epsilon"));
    config.put("rope_theta", metadata.number(prefix + "rope.freq_base", 10000));
    config.put("tie_word_embeddings", !header.tensors().containsKey("output.weight"));
    if (!architecture.equals("qwen2")) { // which always has biases, and no such field
      config.put("attention_bias", header.tensors().containsKey("blk.0.attn_q.bias"));
      config.put("mlp_bias", header.tensors().containsKey("blk.0.ffn_up.bias"));
    }
    putTokenId(config, "bos_token_id", metadata, "tokenizer.ggml.bos_token_id");
    putTokenId(config, "eos_token_id", metadata, "tokenizer.ggml.eos_token_id");
    putTokenId(config, "sliding_window", metadata, prefix + "attention.sliding_window");
    ropeScaling(file, header, prefix, config);
    return config;
  }

  private static void putTokenId(
      ObjectNode config, String name, GgufMetadata metadata, String key) {
    if (metadata.has(key)) {
      config.put(name, metadata.integer(key));
    }
  }

  private static void ropeScaling(
      TensorFile file, GgufHeader header, String prefix, ObjectNode config) {
    GgufMetadata metadata = header.metadata();
    GgufHeader.Entry factors = header.tensors().get(GgufWeights.ROPE_FACTORS);
    if (factors != null) {
      llama3Scaling(file, factors, config);
      return;
    }
    String type = metadata.optionalText(prefix + "rope.scaling.type").orElse("none");
    if (!type.equals("none")) {
      ObjectNode scaling = config.putObject("rope_scaling");
      scaling.put("rope_type", type);
      scaling.put("factor", metadata.number(prefix + "rope.scaling.factor"));
    }
  }

  /**
   * A GGUF file holds the factors that llama.cpp's converter has computed from Llama 3's {@code
   * rope_scaling}; the one parameter that differs between models is the largest of them.
   */
  private static void llama3Scaling(TensorFile file, GgufHeader.Entry entry, ObjectNode config) {
    int count = config.path("head_dim").asInt() / 2;
    // The type first: only the size of one that can be read was held against the file's.
    if (entry.ggmlType() != ElementType.F32.ggmlType()
        || SafetensorsHeader.elements(entry.shape()) != count) {
      throw file.badData(
          "tensor rope_freqs.weight: expected one F32 factor for each pair of a head's rows");
    }
    FloatBuffer factors = FloatBuffer.allocate(count);
    file.stream(
        entry.begin(),
        (long) count * Float.BYTES,
        Float.BYTES,
        "tensor rope_freqs.weight",
        chunk -> ElementType.F32.decode(chunk, factors));
    float factor = 1;
    for (float value : factors.array()) {
      factor = Math.max(factor, value);
    }
    double theta = config.path("rope_theta").asDouble();
    for (int i = 0; i < count; i++) {
      double expected = llama3Factor(Math.pow(theta, -i / (double) count), factor);
      if (!(Math.abs(factors.get(i) - expected) <= 1e-4 * expected)) {
        throw unsupported(
            file,
            "the rotary scaling of rope_freqs.weight is not supported; expected Llama 3's, whose"
                + " factor "
                + i
                + " is "
                + expected
                + ", found "
                + factors.get(i));
      }
    }
    ObjectNode scaling = config.putObject("rope_scaling");
    scaling.put("rope_type", "llama3");
    scaling.put("factor", factor);
    scaling.put("low_freq_factor", LOW_FREQUENCY_FACTOR);
    scaling.put("high_freq_factor", HIGH_FREQUENCY_FACTOR);
    scaling.put("original_max_position_embeddings", ORIGINAL_CONTEXT);
  }

  /** {@code generate_extra_tensors} of {@code convert_hf_to_gguf.py}. */
  private static double llama3Factor(double frequency, double factor) {
    double wavelength = 2 * Math.PI / frequency;
    if (wavelength < ORIGINAL_CONTEXT / HIGH_FREQUENCY_FACTOR) {
      return 1;
    }
    if (wavelength > ORIGINAL_CONTEXT / LOW_FREQUENCY_FACTOR) {
      return factor;
    }
    double smooth =
        (ORIGINAL_CONTEXT / wavelength - LOW_FREQUENCY_FACTOR)
            / (HIGH_FREQUENCY_FACTOR - LOW_FREQUENCY_FACTOR);
    return 1 / ((1 - smooth) / factor + smooth);
  }

  private static TrainerException unsupported(TensorFile file, String message) {
    return new TrainerException(ExitReason.BAD_PLAN, file.path() + ": " + message);
  }
}
