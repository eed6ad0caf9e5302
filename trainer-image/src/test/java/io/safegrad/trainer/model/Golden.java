package io.safegrad.trainer.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.api.v1alpha1.Lora;
import io.safegrad.api.v1alpha1.Lora.TargetModule;
import io.safegrad.api.v1alpha1.Model;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.tensor.Compute;
import io.safegrad.trainer.weights.FloatTensor;
import io.safegrad.trainer.weights.SafetensorsFile;
import io.safegrad.trainer.weights.Weights;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.StreamSupport;

/** A toy checkpoint with the values that transformers and PEFT computed for it. */
public final class Golden {

  /** The families. */
  public static final List<String> FAMILIES =
      List.of(
          "llama", "llama2", "qwen2", "qwen3", "mistral", "gemma2", "gemma3", "phi3", "smollm3");

  private static final int RANK = 4;
  private static final int ALPHA = 8;

  private final Path folder;
  private final JsonNode values;

  private Golden(Path folder) {
    this.folder = folder;
    this.values = json(folder.resolve("golden.json"));
  }

  /** The toy of a family. */
  public static Golden of(String family) {
    return new Golden(resource(family));
  }

  /** A file or folder of the golden resources. */
  public static Path resource(String name) {
    try {
      return Path.of(Golden.class.getResource("/io/safegrad/trainer/golden/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * The logits of a batch's tokens, [tokens, vocabulary].
   *
   * @param padded those of transformers, whose rows are padded: [rows, length, vocabulary]
   */
  static FloatTensor ofTokens(FloatTensor padded, Batch batch) {
    int rowSize = (int) (padded.shape()[1] * padded.shape()[2]);
    int vocabulary = (int) padded.shape()[2];
    FloatBuffer found = FloatBuffer.allocate(batch.tokens() * vocabulary);
    int[] lengths = batch.lengths().toArray();
    for (int row = 0; row < lengths.length; row++) {
      found.put(padded.values(), row * rowSize, lengths[row] * vocabulary);
    }
    return new FloatTensor(new long[] {batch.tokens(), vocabulary}, found.array());
  }

  /** Reads JSON. */
  public static JsonNode json(Path file) {
    try {
      return new ObjectMapper().readTree(Files.readString(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The toy's architecture. */
  ModelConfig config() {
    return ModelConfig.of(json(folder.resolve("config.json")));
  }

  /** The toy's weights, to be closed. */
  SafetensorsFile weights() {
    return SafetensorsFile.open(folder.resolve("model.safetensors"));
  }

  /** Settings as safegrad_reference.py was run with. */
  public static Training training(Training.Mode mode, int maxSteps) {
    return training(mode, maxSteps, 4, 1);
  }

  /** The same with other batches. */
  public static Training training(
      Training.Mode mode, int maxSteps, int batchSize, int accumulationSteps) {
    return new Training(
        mode,
        1,
        maxSteps,
        batchSize,
        accumulationSteps,
        1024,
        false,
        false,
        3e-3,
        Training.Scheduler.Constant,
        0.0,
        0.01,
        0.0,
        43,
        0,
        1,
        new Lora(RANK, ALPHA, List.of(TargetModule.values())));
  }

  /** The model with a new adapter, or with every weight trained. */
  public CausalLm load(Training training) {
    try (SafetensorsFile weights = SafetensorsFile.open(folder.resolve("model.safetensors"))) {
      ModelConfig config = ModelConfig.of(json(folder.resolve("config.json")));
      return CausalLm.load(config, weights, training);
    }
  }

  /** The same computed in some way. */
  public CausalLm load(Training training, Compute compute) {
    try (SafetensorsFile weights = weights()) {
      return CausalLm.load(config(), weights, training, Model.Storage.Float32, compute);
    }
  }

  /** The same with the golden adapter. */
  public CausalLm loadWithAdapter(Training training, Compute compute) {
    CausalLm model = load(training, compute);
    model.trained().set(tensors("adapter.safetensors"));
    return model;
  }

  /** The model with the golden adapter. */
  public CausalLm loadWithAdapter(Training training) {
    CausalLm model = load(training);
    model.trained().set(tensors("adapter.safetensors"));
    return model;
  }

  /** The same with weights made of the checkpoint's. */
  CausalLm loadWithAdapter(Training training, UnaryOperator<Weights> made) {
    try (SafetensorsFile weights = SafetensorsFile.open(folder.resolve("model.safetensors"))) {
      ModelConfig config = ModelConfig.of(json(folder.resolve("config.json")));
      CausalLm model = CausalLm.load(config, made.apply(weights), training);
      model.trained().set(tensors("adapter.safetensors"));
      return model;
    }
  }

  /** The same with the frozen weights kept in less memory. */
  CausalLm loadWithAdapter(Training training, Model.Storage storage) {
    try (SafetensorsFile weights = SafetensorsFile.open(folder.resolve("model.safetensors"))) {
      ModelConfig config = ModelConfig.of(json(folder.resolve("config.json")));
      CausalLm model = CausalLm.load(config, weights, training, storage);
      model.trained().set(tensors("adapter.safetensors"));
      return model;
    }
  }

  /** The model whose every weight is trained, moved away from the checkpoint as the golden one. */
  public static void scaleWeights(CausalLm model, float factor) {
    Map<String, FloatTensor> weights = new LinkedHashMap<>();
    model
        .trained()
        .copies()
        .forEach(
            (name, tensor) -> {
              float[] scaled = tensor.values().clone();
              for (int i = 0; i < scaled.length; i++) {
                scaled[i] *= factor;
              }
              weights.put(name, new FloatTensor(tensor.shape(), scaled));
            });
    model.trained().set(weights);
  }

  /** All tensors of one of the toy's safetensors files. */
  public Map<String, FloatTensor> tensors(String file) {
    Map<String, FloatTensor> tensors = new LinkedHashMap<>();
    try (SafetensorsFile source = SafetensorsFile.open(folder.resolve(file))) {
      for (String name : source.names()) {
        long size = 1;
        for (long dimension : source.shape(name)) {
          size *= dimension;
        }
        float[] values = new float[(int) size];
        source.readFloat32(name, FloatBuffer.wrap(values));
        tensors.put(name, new FloatTensor(source.shape(name), values));
      }
    }
    return tensors;
  }

  /** A value of golden.json. */
  public JsonNode value(String name) {
    return values.get(name);
  }

  /** The examples of {@code user} or {@code align}. */
  public List<TokenizedExample> examples(String name) {
    List<TokenizedExample> examples = new ArrayList<>();
    for (JsonNode example : values.get(name)) {
      examples.add(
          new TokenizedExample(
              ids(example.get("input_ids")), ids(example.get("labels")), examples.size() + 1));
    }
    return examples;
  }

  /** An array of token ids. */
  public static int[] ids(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).mapToInt(JsonNode::asInt).toArray();
  }

  /** {@link #training} with rank-stabilised LoRA. */
  public static Training rankStabilised() {
    Training plain = training(Training.Mode.Lora, 1);
    Lora lora =
        new Lora(
            plain.lora().rank(), plain.lora().alpha(), 0.0, true, plain.lora().targetModules());
    return new Training(
        plain.mode(),
        plain.epochs(),
        plain.maxSteps(),
        plain.batchSize(),
        plain.gradientAccumulationSteps(),
        plain.maxLength(),
        plain.learningRate(),
        plain.scheduler(),
        plain.warmupRatio(),
        plain.weightDecay(),
        plain.maxGradNorm(),
        plain.seed(),
        plain.saveSteps(),
        plain.saveTotalLimit(),
        lora);
  }
}
