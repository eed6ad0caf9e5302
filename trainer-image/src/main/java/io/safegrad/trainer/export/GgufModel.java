package io.safegrad.trainer.export;

import com.fasterxml.jackson.databind.JsonNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.model.ModelConfig;
import io.safegrad.trainer.weights.GgufWriter;
import io.safegrad.trainer.weights.PretrainedModel;
import io.safegrad.trainer.weights.StorageType;
import io.safegrad.trainer.weights.Weights;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Writes a model as one GGUF file, which llama.cpp and what is built on it load. */
public final class GgufModel {

  private static final Map<String, String> ARCHITECTURES =
      Map.of(
          "LlamaForCausalLM", "llama",
          "MistralForCausalLM", "llama",
          "Qwen2ForCausalLM", "qwen2",
          "Qwen3ForCausalLM", "qwen3");

  /** {@code llama_ftype}, of which it is only shown. */
  private static final Map<StorageType, Long> FILE_TYPES =
      Map.of(
          StorageType.FLOAT32, 0L,
          StorageType.FLOAT16, 1L,
          StorageType.Q8_0, 7L,
          StorageType.BFLOAT16, 32L);

  private static final long QUANTISATION_VERSION = 2;

  private GgufModel() {}

  /**
   * Writes a model.
   *
   * @param model gives all but the weights
   * @param weights under their Hugging Face names
   * @param type of every matrix; vectors are float32, as llama.cpp wants them
   * @param name of the model, to be shown
   * @throws TrainerException with BAD_PLAN when the architecture or the vocabulary has no form in
   *     GGUF, with INTERNAL when it cannot be written
   */
  public static void write(
      PretrainedModel model, Weights weights, StorageType type, String name, Path file) {
    ModelConfig config = ModelConfig.of(model.config());
    Map<String, Object> metadata = metadata(model, config, type, name);
    try (StreamedWeights streamed = new StreamedWeights(weights)) {
      GgufTensors tensors = new GgufTensors(streamed, config, theta(model.config()));
      GgufWriter.write(file, metadata, tensors, tensors.types(type));
    }
  }

  /**
   * Refuses, before any work, a model that cannot be written.
   *
   * @throws TrainerException as {@link #write}
   */
  public static void requireWritable(PretrainedModel model) {
    ModelConfig config = ModelConfig.of(model.config());
    metadata(model, config, StorageType.FLOAT16, "");
    GgufTensors.ropeFactors(config, theta(model.config()));
    model.weights().names().forEach(weight -> GgufTensors.ggufName(config, weight));
  }

  /** Whether rows of q_proj and k_proj are permuted in the file. */
  static boolean isLlama(ModelConfig config) {
    return architecture(config).equals("llama");
  }

  private static Map<String, Object> metadata(
      PretrainedModel model, ModelConfig config, StorageType type, String name) {
    String architecture = architecture(config);
    Map<String, Object> metadata = new LinkedHashMap<>();
    metadata.put("general.architecture", architecture);
    metadata.put("general.type", "model");
    metadata.put("general.name", name);
    metadata.put("general.file_type", FILE_TYPES.get(type));
    metadata.put("general.quantization_version", QUANTISATION_VERSION);
    putArchitecture(metadata, architecture + ".", config, model.config());
    metadata.putAll(GgufVocabulary.fields(model, config.vocabSize()));
    return metadata;
  }

  private static String architecture(ModelConfig config) {
    String architecture = ARCHITECTURES.get(config.architecture());
    if (architecture == null) {
      throw new TrainerException(
          ExitReason.BAD_PLAN,
          "%s cannot be written as GGUF; supported are %s"
              .formatted(
                  config.architecture(),
                  String.join(", ", ARCHITECTURES.keySet().stream().sorted().toList())));
    }
    return architecture;
  }

  private static void putArchitecture(
      Map<String, Object> metadata, String prefix, ModelConfig config, JsonNode json) {
    metadata.put(prefix + "vocab_size", (long) config.vocabSize());
    metadata.put(prefix + "context_length", json.path("max_position_embeddings").asLong(2048));
    metadata.put(prefix + "embedding_length", (long) config.hiddenSize());
    metadata.put(prefix + "block_count", (long) config.layers());
    metadata.put(prefix + "feed_forward_length", (long) config.intermediateSize());
    metadata.put(prefix + "attention.head_count", (long) config.heads());
    metadata.put(prefix + "attention.head_count_kv", (long) config.keyValueHeads());
    metadata.put(prefix + "attention.key_length", (long) config.headDim());
    metadata.put(prefix + "attention.value_length", (long) config.headDim());
    metadata.put(prefix + "attention.layer_norm_rms_epsilon", config.rmsNormEps());
    metadata.put(prefix + "rope.dimension_count", (long) config.headDim());
    metadata.put(prefix + "rope.freq_base", theta(json));
    int window = config.attention().get(0).window();
    if (config.attention().stream().anyMatch(layer -> layer.window() != window)) {
      throw new TrainerException(
          ExitReason.BAD_PLAN,
          "%s with a sliding window in some of its layers cannot be written as GGUF"
              .formatted(config.architecture()));
    }
    if (window > 0) {
      metadata.put(prefix + "attention.sliding_window", (long) window);
    }
  }

  private static double theta(JsonNode json) {
    double old = json.path("rope_theta").asDouble(10000);
    return json.path("rope_parameters").path("rope_theta").asDouble(old);
  }
}
