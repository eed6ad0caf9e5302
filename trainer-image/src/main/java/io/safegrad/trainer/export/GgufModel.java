package io.safegrad.trainer.export;

import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.model.ModelConfig;
import io.safegrad.trainer.weights.GgufWriter;
import io.safegrad.trainer.weights.PretrainedModel;
import io.safegrad.trainer.weights.StorageType;
import io.safegrad.trainer.weights.Weights;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;

/** Writes a model as one GGUF file, which llama.cpp and what is built on it load. */
public final class GgufModel {

  /** {@code llama_ftype}, of which it is only shown. */
  private static final Map<StorageType, Long> FILE_TYPES =
      Map.of(
          StorageType.FLOAT32, 0L,
          StorageType.FLOAT16, 1L,
          StorageType.Q8_0, 7L,
          StorageType.BFLOAT16, 32L);

  private static final long QUANTISATION_VERSION = 2;

  private static final Pattern PHI_3 = Pattern.compile("phi-?3", Pattern.CASE_INSENSITIVE);

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
      GgufTensors tensors = new GgufTensors(streamed, config, model.config());
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
    GgufRopeFactors.of(config, model.config());
    model.weights().names().forEach(weight -> GgufTensors.ggufName(config, weight));
  }

  private static Map<String, Object> metadata(
      PretrainedModel model, ModelConfig config, StorageType type, String name) {
    String architecture = GgufFamily.of(config).architecture();
    Map<String, Object> metadata = new LinkedHashMap<>();
    metadata.put("general.architecture", architecture);
    metadata.put("general.type", "model");
    metadata.put("general.name", shownName(model, name));
    metadata.put("general.file_type", FILE_TYPES.get(type));
    metadata.put("general.quantization_version", QUANTISATION_VERSION);
    metadata.putAll(GgufArchitectureFields.of(config, model.config()));
    metadata.putAll(GgufVocabulary.fields(model, config.vocabSize()));
    return metadata;
  }

  /**
   * By this name alone llama.cpp tells whether whitespace behind special tokens is taken away, as
   * Phi-3's vocabulary wants it; and it does not load another vocabulary of that name.
   */
  private static String shownName(PretrainedModel model, String name) {
    boolean named = PHI_3.matcher(name).find();
    return GgufVocabulary.isPhi3s(model)
        ? name + (named ? "" : " (phi-3)")
        : PHI_3.matcher(name).replaceAll("phi 3");
  }
}
