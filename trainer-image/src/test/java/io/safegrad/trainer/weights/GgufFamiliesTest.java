package io.safegrad.trainer.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.GoldenFiles;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.export.GgufModel;
import io.safegrad.trainer.model.Golden;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Files of families that are written and not read; {@code check_exports.py --family} loads such
 * files with llama.cpp.
 */
class GgufFamiliesTest {

  /** Tokens of the toy tokenizer. */
  private static final int TOKENS = 384;

  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        "gemma2 ~ {} ~ with query_pre_attn_scalar other than 8",
        "gemma2 ~ {'query_pre_attn_scalar': 8, 'layer_types': ['full_attention',"
            + " 'sliding_attention']} ~ with a sliding window in other layers",
        "gemma3 ~ {'query_pre_attn_scalar': 8} ~ with a sliding window in other layers",
        "smollm3 ~ {} ~ with other layers without RoPE than every fourth",
      })
  void whatNoFileCanSayIsRefused(String family, String changes, String message) throws IOException {
    try (PretrainedModel model = model(family, changes)) {
      assertThatThrownBy(() -> GgufModel.requireWritable(model))
          .isInstanceOf(TrainerException.class)
          .hasMessageContaining(message)
          .hasMessageEndingWith("cannot be written as GGUF")
          .extracting(e -> ((TrainerException) e).reason())
          .isEqualTo(ExitReason.BAD_PLAN);
    }
  }

  @Test
  void gemmasNormsHaveTheirOneAndItsLayersFourOfThem() throws IOException {
    try (PretrainedModel model = model("gemma2", "{'query_pre_attn_scalar': 8}")) {
      Written written = write(model);

      assertThat(written.header.metadata().text("general.architecture")).isEqualTo("gemma2");
      assertThat(written.number("gemma2.attn_logit_softcapping")).isEqualTo(2);
      assertThat(written.number("gemma2.final_logit_softcapping")).isEqualTo(3);
      assertThat(written.header.metadata().integer("gemma2.attention.sliding_window")).isEqualTo(6);
      Map.of(
              "blk.1.attn_norm", "input_layernorm",
              "blk.1.post_attention_norm", "post_attention_layernorm",
              "blk.1.ffn_norm", "pre_feedforward_layernorm",
              "blk.1.post_ffw_norm", "post_feedforward_layernorm")
          .forEach((found, name) -> assertPlusOne(written, found, model, "model.layers.1." + name));
      assertPlusOne(written, "output_norm", model, "model.norm");
    }
  }

  @Test
  void gemma3HasTwoBasesAndNormsOfQueryAndKey() throws IOException {
    String changes =
        "{'query_pre_attn_scalar': 8, 'num_hidden_layers': 6, 'layer_types': [%s'full_attention']}"
            .formatted("'sliding_attention', ".repeat(5));
    try (PretrainedModel model = model("gemma3", changes)) {
      Written written = write(model);

      assertThat(written.number("gemma3.rope.freq_base")).isEqualTo(10000);
      assertThat(written.number("gemma3.rope.freq_base_swa")).isEqualTo(100);
      assertThat(written.header.metadata().text("gemma3.rope.scaling.type")).isEqualTo("linear");
      assertThat(written.number("gemma3.rope.scaling.factor")).isEqualTo(8);
      assertPlusOne(written, "blk.0.attn_q_norm", model, "model.layers.0.self_attn.q_norm");
      assertPlusOne(written, "blk.0.attn_k_norm", model, "model.layers.0.self_attn.k_norm");
    }
  }

  @Test
  void phi3KeepsItsFusedLinearsAndBothListsOfFactors() throws IOException {
    try (PretrainedModel model = model("phi3", "{}")) {
      Written written = write(model);

      assertThat(written.values("blk.0.attn_qkv.weight"))
          .isEqualTo(values(model, "model.layers.0.self_attn.qkv_proj.weight"));
      assertThat(written.values("blk.0.ffn_up.weight"))
          .isEqualTo(values(model, "model.layers.0.mlp.gate_up_proj.weight"));
      assertThat(written.values("rope_factors_short.weight"))
          .usingComparatorWithPrecision(1e-5f)
          .containsExactly(1, 1.5f, 2.5f);
      assertThat(written.values("rope_factors_long.weight")).containsExactly(2, 4, 8);
      assertThat(written.header.metadata().integer("phi3.rope.dimension_count")).isEqualTo(6);
      assertThat(written.header.metadata().integer("phi3.rope.scaling.original_context_length"))
          .isEqualTo(64);
      // √(1 + ln 4 / ln 64)
      assertThat(written.number("phi3.rope.scaling.attn_factor"))
          .isBetween(1.15470 - 1e-5, 1.15470 + 1e-5);
    }
  }

  @Test
  void smollm3sRowsArePermutedAsALlamasAre() throws IOException {
    try (PretrainedModel model = model("smollm3", "{'no_rope_layers': [1, 1]}")) {
      Written written = write(model);

      float[] found = written.values("blk.0.attn_q.weight");
      float[] original = values(model, "model.layers.0.self_attn.q_proj.weight");
      int width = model.config().path("hidden_size").asInt();
      int headRows = original.length / width / 4;
      // Row 1 of a head is the first of its second half.
      assertThat(Arrays.copyOfRange(found, width, 2 * width))
          .isEqualTo(
              Arrays.copyOfRange(original, headRows / 2 * width, (headRows / 2 + 1) * width));
    }
  }

  @Test
  void llamaCppIsNotMisledByAName() throws IOException {
    try (PretrainedModel model = model("phi3", "{}")) {
      Path path = folder.resolve("named.gguf");
      GgufModel.write(model, model.weights(), StorageType.FLOAT16, "my Phi-3 and phi3", path);
      try (TensorFile file = TensorFile.open(path)) {
        assertThat(GgufHeader.read(file).metadata().text("general.name"))
            .isEqualTo("my phi 3 and phi 3");
      }
    }
  }

  private record Written(GgufHeader header, Map<String, float[]> tensors) {

    float[] values(String name) {
      return tensors.get(name);
    }

    double number(String key) {
      return header.metadata().number(key);
    }
  }

  private Written write(PretrainedModel model) {
    Path path = folder.resolve("written.gguf");
    GgufModel.requireWritable(model);
    GgufModel.write(model, model.weights(), StorageType.FLOAT32, "toy", path);
    try (TensorFile file = TensorFile.open(path)) {
      GgufHeader header = GgufHeader.read(file);
      Map<String, float[]> tensors = new HashMap<>();
      header
          .tensors()
          .forEach(
              (name, entry) -> {
                int count = Math.toIntExact(SafetensorsHeader.elements(entry.shape()));
                FloatBuffer values = FloatBuffer.allocate(count);
                file.stream(
                    entry.begin(),
                    (long) count * Float.BYTES,
                    Float.BYTES,
                    name,
                    chunk -> ElementType.F32.decode(chunk, values));
                tensors.put(name, values.array());
              });
      return new Written(header, tensors);
    }
  }

  private static void assertPlusOne(
      Written written, String found, PretrainedModel model, String original) {
    float[] expected = values(model, original + ".weight");
    for (int i = 0; i < expected.length; i++) {
      expected[i] += 1;
    }
    assertThat(written.values(found + ".weight")).as(found).isEqualTo(expected);
  }

  private static float[] values(PretrainedModel model, String name) {
    FloatBuffer values =
        FloatBuffer.allocate(
            Math.toIntExact(SafetensorsHeader.elements(model.weights().shape(name))));
    model.weights().readFloat32(name, values);
    return values.array();
  }

  /** A family's toy with as many embeddings as the toy tokenizer has tokens, and further layers. */
  private PretrainedModel model(String family, String changes) throws IOException {
    Path directory = Files.createDirectory(folder.resolve("model"));
    for (String name : new String[] {"tokenizer.json", "tokenizer_config.json"}) {
      Files.copy(GoldenFiles.path("toy-llama").resolve(name), directory.resolve(name));
    }
    ObjectMapper json = new ObjectMapper();
    Path toy = Golden.resource(family);
    ObjectNode config = (ObjectNode) json.readTree(toy.resolve("config.json").toFile());
    config.setAll((ObjectNode) json.readTree(changes.replace('\'', '"')));
    Files.writeString(
        directory.resolve("config.json"), config.put("vocab_size", TOKENS).toString());
    Map<String, FloatTensor> tensors =
        new HashMap<>(SafetensorsFile.read(toy.resolve("model.safetensors")));
    for (String name : new String[] {"model.embed_tokens.weight", "lm_head.weight"}) {
      tensors.computeIfPresent(
          name,
          (key, tensor) ->
              new FloatTensor(
                  new long[] {TOKENS, tensor.shape()[1]},
                  new float[Math.toIntExact(TOKENS * tensor.shape()[1])]));
    }
    for (String name : List.copyOf(tensors.keySet())) {
      for (int i = 2; i < config.path("num_hidden_layers").asInt(); i++) {
        tensors.put(name.replace(".layers.0.", ".layers." + i + "."), tensors.get(name));
      }
    }
    SafetensorsFile.write(directory.resolve("model.safetensors"), tensors, Map.of("format", "pt"));
    return PretrainedModel.open(directory);
  }
}
