package io.safegrad.trainer.export;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.weights.AtomicFile;
import io.safegrad.trainer.weights.PretrainedModel;
import io.safegrad.trainer.weights.SafetensorsWeights;
import io.safegrad.trainer.weights.SafetensorsWriter;
import io.safegrad.trainer.weights.StorageType;
import io.safegrad.trainer.weights.TensorContents;
import io.safegrad.trainer.weights.Weights;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Writes a model as transformers loads it: a directory with safetensors. */
public final class HuggingFaceModel {

  /**
   * What Hugging Face's own libraries took for long: files that any server and file system takes.
   */
  public static final long DEFAULT_SHARD_BYTES = 5_000_000_000L;

  /** PyTorch's names. */
  private static final Map<StorageType, String> DTYPES =
      Map.of(
          StorageType.FLOAT32, "float32",
          StorageType.FLOAT16, "float16",
          StorageType.BFLOAT16, "bfloat16");

  private static final Map<String, String> METADATA = Map.of("format", "pt");

  private HuggingFaceModel() {}

  /**
   * Writes a copy of a model with other weights: configuration, weights, and the tokenizer's, the
   * template's and the generation's files as the model has them.
   *
   * @param model gives all but the weights
   * @param weights under their Hugging Face names
   * @param type of every weight; not Q8_0
   * @param maxShardBytes a larger model is split into several files with an index; a tensor never
   * @param directory exists
   * @throws TrainerException with INTERNAL when it cannot be written
   */
  public static void write(
      PretrainedModel model,
      TensorContents weights,
      StorageType type,
      long maxShardBytes,
      Path directory) {
    List<List<String>> shards = shards(weights, type, maxShardBytes);
    if (shards.size() == 1) {
      SafetensorsWriter.write(
          directory.resolve(SafetensorsWeights.SINGLE_FILE),
          shards.get(0),
          weights,
          type,
          METADATA);
    } else {
      writeShards(shards, weights, type, directory);
    }
    model
        .companionFiles()
        .forEach((name, bytes) -> AtomicFile.write(directory.resolve(name), bytes));
    writeJson(directory.resolve("config.json"), config(model.config(), type));
  }

  /**
   * The same for weights that are read one by one, however large they are together.
   *
   * @param weights under the names of the model's own
   */
  public static void write(
      PretrainedModel model,
      Weights weights,
      StorageType type,
      long maxShardBytes,
      Path directory) {
    try (StreamedWeights streamed = new StreamedWeights(weights)) {
      write(model, streamed, type, maxShardBytes, directory);
    }
  }

  /**
   * The type that a model's configuration names.
   *
   * @return empty when it names none of those that can be written
   */
  public static Optional<StorageType> typeOf(JsonNode config) {
    String name = config.path("dtype").asText(config.path("torch_dtype").asText());
    return DTYPES.entrySet().stream()
        .filter(type -> type.getValue().equals(name))
        .map(Map.Entry::getKey)
        .findFirst();
  }

  private static ObjectNode config(JsonNode start, StorageType type) {
    ObjectNode config = start.deepCopy();
    // The field's name before and since transformers 5.
    config.put(config.has("torch_dtype") ? "torch_dtype" : "dtype", DTYPES.get(type));
    return config;
  }

  /** Names in their order, a new shard wherever the next tensor would make one too large. */
  private static List<List<String>> shards(
      TensorContents weights, StorageType type, long maxShardBytes) {
    List<List<String>> shards = new ArrayList<>();
    long bytes = 0;
    for (String name : weights.shapes().keySet().stream().sorted().toList()) {
      long size = bytes(weights, name, type);
      if (shards.isEmpty() || bytes + size > maxShardBytes) {
        shards.add(new ArrayList<>());
        bytes = 0;
      }
      shards.get(shards.size() - 1).add(name);
      bytes += size;
    }
    return shards;
  }

  private static void writeShards(
      List<List<String>> shards, TensorContents weights, StorageType type, Path directory) {
    ObjectNode index = new ObjectMapper().createObjectNode();
    ObjectNode metadata = index.putObject("metadata");
    ObjectNode files = index.putObject("weight_map");
    long total = 0;
    for (int i = 0; i < shards.size(); i++) {
      String file = "model-%05d-of-%05d.safetensors".formatted(i + 1, shards.size());
      SafetensorsWriter.write(directory.resolve(file), shards.get(i), weights, type, METADATA);
      for (String name : shards.get(i)) {
        files.put(name, file);
        total += bytes(weights, name, type);
      }
    }
    metadata.put("total_size", total);
    writeJson(directory.resolve(SafetensorsWeights.INDEX_FILE), index);
  }

  private static long bytes(TensorContents weights, String name, StorageType type) {
    return type.bytes(Arrays.stream(weights.shapes().get(name)).reduce(1, Math::multiplyExact));
  }

  private static void writeJson(Path file, JsonNode content) {
    AtomicFile.write(file, (content.toPrettyString() + "\n").getBytes(StandardCharsets.UTF_8));
  }
}
