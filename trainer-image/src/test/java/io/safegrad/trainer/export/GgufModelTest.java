package io.safegrad.trainer.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.GoldenFiles;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.data.Message;
import io.safegrad.trainer.model.Golden;
import io.safegrad.trainer.model.ModelConfig;
import io.safegrad.trainer.weights.FloatTensor;
import io.safegrad.trainer.weights.PretrainedModel;
import io.safegrad.trainer.weights.SafetensorsFile;
import io.safegrad.trainer.weights.StorageType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GgufModelTest {

  private static final List<Message> CHAT = List.of(new Message("user", "Hi"));

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"toy-llama", "toy-llama.gguf", "toy-qwen2.gguf", "toy-qwen3.gguf"})
  void whatIsReadBackIsTheModel(String name) {
    try (PretrainedModel model = PretrainedModel.open(GoldenFiles.path(name));
        PretrainedModel written = write(model, StorageType.FLOAT32)) {
      assertSameModel(written, model);
    }
  }

  @Test
  void eightBitBlocksAreThoseOfGgml() {
    try (PretrainedModel model = PretrainedModel.open(GoldenFiles.path("toy-llama"));
        PretrainedModel golden = PretrainedModel.open(GoldenFiles.path("toy-llama-q8.gguf"));
        PretrainedModel written = write(model, StorageType.Q8_0)) {
      Map<String, FloatTensor> expected = Models.tensors(golden.weights());
      Models.tensors(written.weights())
          .forEach(
              (name, tensor) ->
                  assertThat(tensor.values()).as(name).isEqualTo(expected.get(name).values()));
    }
  }

  @Test
  void aLlama2sVocabularyIsCutAsBefore() throws IOException {
    try (PretrainedModel model = PretrainedModel.open(sentencePieceModel(500));
        PretrainedModel written = write(model, StorageType.FLOAT32)) {
      assertSameModel(written, model);
      assertThat(written.tokenizer().textStart()).containsExactly(1);
      for (JsonNode text : GoldenFiles.json("toy-llama-spm.tokens.json")) {
        assertThat(written.tokenizer().encode(text.path("text").asText()))
            .isEqualTo(Golden.ids(text.path("ids")));
      }
      // Twenty rows of the embedding have no token in tokenizer.json.
      assertThat(written.config().path("vocab_size").asInt()).isEqualTo(500);
    }
  }

  @Test
  void aByteLevelVocabularyIsCutAsBefore() {
    try (PretrainedModel model = PretrainedModel.open(GoldenFiles.path("toy-llama"));
        PretrainedModel written = write(model, StorageType.FLOAT16)) {
      for (JsonNode text : GoldenFiles.json("toy-llama.tokens.json")) {
        assertThat(written.tokenizer().encode(text.path("text").asText()))
            .isEqualTo(Golden.ids(text.path("ids")));
      }
    }
  }

  @Test
  void llama3sRotaryScalingIsWrittenAsItsFactors() throws IOException {
    Path scaled = sentencePieceModel(480);
    ObjectNode config = config(scaled);
    config.putObject("rope_parameters");
    config
        .withObject("/rope_parameters")
        .put("rope_type", "llama3")
        .put("rope_theta", 500000.0)
        .put("factor", 32.0)
        .put("low_freq_factor", 1.0)
        .put("high_freq_factor", 4.0)
        .put("original_max_position_embeddings", 8192);
    Files.writeString(scaled.resolve("config.json"), config.toString());
    try (PretrainedModel model = PretrainedModel.open(scaled);
        PretrainedModel written = write(model, StorageType.FLOAT32)) {
      assertThat(written.config().path("rope_scaling").path("factor").asDouble()).isEqualTo(32);
      float[] expected = ModelConfig.of(model.config()).attention().get(0).rotary().frequencies();
      float[] found = ModelConfig.of(written.config()).attention().get(0).rotary().frequencies();
      for (int i = 0; i < expected.length; i++) {
        assertThat(found[i] / expected[i]).isBetween(1 - 1e-5f, 1 + 1e-5f);
      }
    }
  }

  @Test
  void severalEndTokensAreAllKept() throws IOException {
    Path several = sentencePieceModel(480);
    Files.writeString(several.resolve("generation_config.json"), "{\"eos_token_id\": [2, 7, 9]}");
    try (PretrainedModel model = PretrainedModel.open(several);
        PretrainedModel written = write(model, StorageType.FLOAT32)) {
      assertThat(written.endOfSequenceIds()).contains(2, 7);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        "/pre_tokenizer ~ {\"type\": \"Whitespace\"} ~ 64 ~ its pre_tokenizer is none of [gpt-2,",
        "/normalizer ~ {\"type\": \"Lowercase\"} ~ 64 ~ it normalises text by Lowercase",
        "/added_tokens/0/id ~ 384 ~ 65 ~ expected token ids below the model's vocab_size of 384,",
      })
  void aVocabularyThatLlamaCppWouldCutInAnotherWayIsRefused(
      String field, String value, int code, String message) throws IOException {
    copy(GoldenFiles.path("toy-llama"), folder);
    ObjectNode tokenizer = (ObjectNode) GoldenFiles.json("toy-llama/tokenizer.json");
    int slash = field.lastIndexOf('/');
    ObjectNode parent = (ObjectNode) tokenizer.at(field.substring(0, slash));
    parent.set(field.substring(slash + 1), new ObjectMapper().readTree(value));
    Files.writeString(folder.resolve("tokenizer.json"), tokenizer.toString());

    try (PretrainedModel model = PretrainedModel.open(folder)) {
      assertThatThrownBy(() -> write(model, StorageType.FLOAT16))
          .isInstanceOf(TrainerException.class)
          .hasMessageStartingWith("tokenizer.json: ")
          .hasMessageContaining(message)
          .extracting(e -> ((TrainerException) e).reason())
          .isEqualTo(ExitReason.ofCode(code).orElseThrow());
    }
    assertThat(folder.resolve("written.gguf")).doesNotExist();
  }

  private PretrainedModel write(PretrainedModel model, StorageType type) {
    Path file = folder.resolve("written.gguf");
    GgufModel.write(model, model.weights(), type, "toy", file);
    return PretrainedModel.open(file);
  }

  private static void assertSameModel(PretrainedModel found, PretrainedModel expected) {
    Map<String, FloatTensor> tensors = Models.tensors(found.weights());
    Map<String, FloatTensor> originals = Models.tensors(expected.weights());
    assertThat(tensors.keySet()).isEqualTo(originals.keySet());
    originals.forEach(
        (name, tensor) ->
            assertThat(tensors.get(name).values()).as(name).isEqualTo(tensor.values()));
    ModelConfig config = ModelConfig.of(found.config());
    ModelConfig original = ModelConfig.of(expected.config());
    assertThat(config.attention().get(0).rotary().frequencies())
        .isEqualTo(original.attention().get(0).rotary().frequencies());
    assertThat(config).usingRecursiveComparison().ignoringFields("rmsNormEps").isEqualTo(original);
    assertThat((float) config.rmsNormEps()).isEqualTo((float) original.rmsNormEps());
    assertThat(found.endOfSequenceIds()).isEqualTo(expected.endOfSequenceIds());
    assertThat(found.chatTemplate().render(CHAT, true))
        .isEqualTo(expected.chatTemplate().render(CHAT, true));
    String text = "How do I bake bread? 12 loaves,\n<|im_end|>";
    assertThat(found.tokenizer().encode(text)).isEqualTo(expected.tokenizer().encode(text));
  }

  /** A Llama with a vocabulary of Llama 2's kind and random weights. */
  private Path sentencePieceModel(int rows) throws IOException {
    Path model = folder.resolve("model");
    copy(GoldenFiles.path("spm-tokenizer"), Files.createDirectory(model));
    Path template = GoldenFiles.path("templates/smollm2.jinja");
    Files.copy(template, model.resolve("chat_template.jinja"));
    ObjectNode config = config(GoldenFiles.path("toy-llama"));
    Files.writeString(model.resolve("config.json"), config.put("vocab_size", rows).toString());
    Map<String, FloatTensor> tensors =
        new TreeMap<>(
            SafetensorsFile.read(GoldenFiles.path("toy-llama").resolve("model.safetensors")));
    float[] embedding = new float[rows * 32];
    Random random = new Random(3);
    for (int i = 0; i < embedding.length; i++) {
      embedding[i] = (float) random.nextGaussian();
    }
    tensors.put("model.embed_tokens.weight", new FloatTensor(new long[] {rows, 32}, embedding));
    SafetensorsFile.write(model.resolve("model.safetensors"), tensors, Map.of("format", "pt"));
    return model;
  }

  private static ObjectNode config(Path model) throws IOException {
    return (ObjectNode) new ObjectMapper().readTree(model.resolve("config.json").toFile());
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.list(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(file.getFileName().toString()));
      }
    }
  }
}
