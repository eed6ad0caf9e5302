package io.safegrad.trainer.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.GoldenFiles;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.data.Message;
import io.safegrad.trainer.data.Tokenizer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class GgufModelTest {

  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource(ElementType.class)
  void dequantisesAsGgmlDoes(ElementType type) {
    try (TensorFile file = TensorFile.open(GoldenFiles.path("blocks.gguf"));
        SafetensorsFile golden =
            SafetensorsFile.open(GoldenFiles.path("blocks.expected.safetensors"))) {
      GgufHeader header = GgufHeader.read(file);
      GgufHeader.Entry entry = header.tensors().get(type.name());
      FloatBuffer values = FloatBuffer.allocate(3 * 512);
      file.stream(
          entry.begin(),
          GgufHeader.bytes(file, type.name(), entry),
          type.blockBytes(),
          type.name(),
          chunk -> type.decode(chunk, values));

      assertThat(entry.shape()).containsExactly(3, 512);
      assertThat(values.array()).isEqualTo(Tensors.read(golden, type.name()));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "toy-llama.gguf, toy-llama/model.safetensors",
    "toy-llama-spm.gguf, toy-llama-spm.expected.safetensors",
    "toy-qwen2.gguf, toy-qwen2.expected.safetensors",
    "toy-qwen3.gguf, toy-qwen3.expected.safetensors"
  })
  void tensorsAreThoseOfTheHuggingFaceModel(String gguf, String safetensors) {
    try (PretrainedModel model = PretrainedModel.open(GoldenFiles.path(gguf));
        SafetensorsFile expected = SafetensorsFile.open(GoldenFiles.path(safetensors))) {
      Weights weights = model.weights();
      assertThat(weights.names()).isEqualTo(expected.names());
      for (String name : weights.names()) {
        assertThat(weights.shape(name)).as(name).isEqualTo(expected.shape(name));
        assertThat(Tensors.read(weights, name)).as(name).isEqualTo(Tensors.read(expected, name));
      }
    }
  }

  @Test
  void quantisedRowsAreUnpermutedToo() {
    try (PretrainedModel quantised = PretrainedModel.open(GoldenFiles.path("toy-llama-q8.gguf"));
        PretrainedModel exact = PretrainedModel.open(GoldenFiles.path("toy-llama.gguf"))) {
      for (String name : exact.weights().names()) {
        float[] expected = Tensors.read(exact.weights(), name);
        float[] values = Tensors.read(quantised.weights(), name);
        for (int i = 0; i < values.length; i++) {
          // Half a step of 8 bits over a block whose largest value is below 1.
          assertThat(values[i]).as(name).isCloseTo(expected[i], within(0.5f / 127));
        }
      }
    }
  }

  private static org.assertj.core.data.Offset<Float> within(float offset) {
    return org.assertj.core.data.Offset.offset(offset);
  }

  @Test
  void theConfigurationIsThatOfTheHuggingFaceModel() {
    JsonNode expected = GoldenFiles.json("toy-llama/config.json");
    try (PretrainedModel model = PretrainedModel.open(GoldenFiles.path("toy-llama.gguf"))) {
      JsonNode config = model.config();
      for (String field :
          List.of(
              "architectures",
              "attention_bias",
              "bos_token_id",
              "eos_token_id",
              "head_dim",
              "hidden_act",
              "hidden_size",
              "intermediate_size",
              "max_position_embeddings",
              "mlp_bias",
              "model_type",
              "num_attention_heads",
              "num_hidden_layers",
              "num_key_value_heads",
              "rms_norm_eps",
              "tie_word_embeddings",
              "vocab_size")) {
        assertThat(config.path(field).toString())
            .as(field)
            .isEqualTo(expected.path(field).toString());
      }
      assertThat(config.path("rope_theta").asDouble()).isEqualTo(100000);
      assertThat(config.has("rope_scaling")).isFalse();
    }
  }

  @Test
  void readsAnUntiedHeadBiasesAHeadDimensionAndLlama3sScaling() {
    try (PretrainedModel model = PretrainedModel.open(GoldenFiles.path("toy-llama-spm.gguf"))) {
      JsonNode config = model.config();
      assertThat(config.path("tie_word_embeddings").asBoolean()).isFalse();
      assertThat(config.path("attention_bias").asBoolean()).isTrue();
      assertThat(config.path("head_dim").asInt()).isEqualTo(16);
      assertThat(config.path("rope_scaling").toString())
          .isEqualTo(
              "{\"rope_type\":\"llama3\",\"factor\":8.0,\"low_freq_factor\":1.0,"
                  + "\"high_freq_factor\":4.0,\"original_max_position_embeddings\":8192}");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "toy-llama.gguf, toy-llama.tokens.json",
    "toy-llama-spm.gguf, toy-llama-spm.tokens.json"
  })
  void theVocabularyEncodesAsTransformersDoes(String gguf, String golden) {
    try (PretrainedModel model = PretrainedModel.open(GoldenFiles.path(gguf))) {
      for (JsonNode text : GoldenFiles.json(golden)) {
        int[] ids =
            StreamSupport.stream(text.path("ids").spliterator(), false)
                .mapToInt(JsonNode::asInt)
                .toArray();
        assertThat(model.tokenizer().encode(text.path("text").asText()))
            .as(text.path("text").asText())
            .isEqualTo(ids);
        assertThat(model.tokenizer().decode(ids)).isEqualTo(text.path("decoded").asText());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt-2", "llama-bpe", "qwen2", "tekken"})
  void textIsSplitAsTheVocabularyAsksForIt(String preTokenizer) {
    Path path = GoldenFiles.path("vocabulary-" + preTokenizer + ".gguf");
    try (TensorFile file = TensorFile.open(path);
        Tokenizer tokenizer =
            Tokenizer.of(
                GgufTokenizer.read(file, GgufHeader.read(file).metadata()),
                path,
                Optional.of("<|endoftext|>"),
                Optional.of("<|endoftext|>"))) {
      for (JsonNode text : GoldenFiles.json("vocabulary-" + preTokenizer + ".tokens.json")) {
        int[] ids =
            StreamSupport.stream(text.path("ids").spliterator(), false)
                .mapToInt(JsonNode::asInt)
                .toArray();
        assertThat(tokenizer.encode(text.path("text").asText()))
            .as(text.path("text").asText())
            .isEqualTo(ids);
      }
    }
  }

  @Test
  void theTemplateAndTheEndTokensComeWithTheFile() {
    try (PretrainedModel model = PretrainedModel.open(GoldenFiles.path("toy-llama.gguf"));
        PretrainedModel spm = PretrainedModel.open(GoldenFiles.path("toy-llama-spm.gguf"))) {
      List<Message> chat = List.of(new Message("user", "Hi"));
      assertThat(model.chatTemplate().render(chat, true))
          .endsWith("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
      assertThat(model.endOfSequenceIds()).containsExactly(2);
      assertThat(model.tokenizer().textStart()).isEmpty();
      assertThat(spm.chatTemplate().render(chat, true)).isEqualTo("<s>[INST] Hi[/INST]");
      assertThat(spm.tokenizer().textStart()).containsExactly(1);
    }
  }

  @Test
  void aFileCutAtAnyByteGivesOneClearError() throws IOException {
    byte[] whole = Files.readAllBytes(GoldenFiles.path("toy-qwen3.gguf"));
    Path file = folder.resolve("cut.gguf");
    for (int length = 0; length < whole.length; length += length < 1200 ? 37 : 3989) {
      Files.write(file, Arrays.copyOf(whole, length));

      assertThatThrownBy(() -> PretrainedModel.open(file))
          .as("%d bytes", length)
          .isInstanceOf(TrainerException.class)
          .hasMessageStartingWith(file + ": ")
          .extracting(e -> ((TrainerException) e).reason())
          .isEqualTo(ExitReason.BAD_DATA);
    }
  }

  @Test
  void noByteOfTheHeaderIsBelieved() throws IOException {
    byte[] whole = Files.readAllBytes(GoldenFiles.path("blocks.gguf"));
    Path file = folder.resolve("broken.gguf");
    int refused = 0;
    for (int position = 0; position < 640; position++) {
      byte[] broken = whole.clone();
      broken[position] = (byte) 0xff;
      Files.write(file, broken);
      try (TensorFile opened = TensorFile.open(file)) {
        GgufHeader.read(opened);
      } catch (TrainerException e) {
        assertThat(e.reason()).isEqualTo(ExitReason.BAD_DATA);
        assertThat(e).hasMessageStartingWith(file + ": ");
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(300);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        "general.architecture ~ qwen3 ~ gemma ~ the architecture gemma is not supported; expected"
            + " one of llama, qwen2, qwen3",
        "tokenizer.ggml.pre ~ llama-bpe ~ llama-xyz ~ the pre-tokenizer llama-xyz is not"
            + " supported",
        "tokenizer.ggml.model ~ gpt2 ~ bert ~ the vocabulary bert is not supported; expected gpt2"
            + " or llama",
      })
  void whatIsNotSupportedIsNamed(String key, String from, String to, String message)
      throws IOException {
    Path file = replaced("toy-qwen3.gguf", key, from, to);

    assertThatThrownBy(() -> PretrainedModel.open(file))
        .isInstanceOf(TrainerException.class)
        .hasMessageStartingWith(file + ": " + message)
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(ExitReason.BAD_PLAN);
  }

  @Test
  void anUnsupportedQuantisationIsNamed() throws IOException {
    byte[] bytes = Files.readAllBytes(GoldenFiles.path("toy-qwen3.gguf"));
    byte[] name = "output_norm.weight".getBytes(StandardCharsets.UTF_8);
    int end = indexOf(bytes, name) + name.length;
    int dimensions = ByteBuffer.wrap(bytes).order(java.nio.ByteOrder.LITTLE_ENDIAN).getInt(end);
    bytes[end + 4 + dimensions * 8] = 10; // Q2_K
    Path file = folder.resolve("q2.gguf");
    Files.write(file, bytes);

    assertThatThrownBy(() -> PretrainedModel.open(file))
        .hasMessageStartingWith(
            file + ": tensor output_norm.weight has the unsupported ggml type 10; expected one of")
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(ExitReason.BAD_PLAN);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 4, 0x03000000})
  void anotherVersionIsRefused(int version) throws IOException {
    byte[] bytes = Files.readAllBytes(GoldenFiles.path("blocks.gguf"));
    ByteBuffer.wrap(bytes).order(java.nio.ByteOrder.LITTLE_ENDIAN).putInt(4, version);
    Path file = folder.resolve("v.gguf");
    Files.write(file, bytes);

    assertThatThrownBy(() -> PretrainedModel.open(file))
        .hasMessage(file + ": expected GGUF version 2 or 3, little endian, found " + version);
  }

  /** A file whose text field has another value: its length, then its bytes, follow key and type. */
  private Path replaced(String name, String key, String from, String to) throws IOException {
    byte[] bytes = Files.readAllBytes(GoldenFiles.path(name));
    byte[] old = field(key, from);
    int at = indexOf(bytes, old);
    byte[] changed = field(key, to);
    // The tensors' data is aligned anew by what a metadata field of our own takes up.
    Path file = folder.resolve("changed.gguf");
    byte[] header = Arrays.copyOf(bytes, at);
    byte[] rest = Arrays.copyOfRange(bytes, at + old.length, bytes.length);
    ByteBuffer whole = ByteBuffer.allocate(header.length + changed.length + rest.length + 64);
    whole.put(header).put(changed).put(rest);
    Files.write(file, whole.array());
    return file;
  }

  private static byte[] field(String key, String value) {
    byte[] name = key.getBytes(StandardCharsets.UTF_8);
    byte[] text = value.getBytes(StandardCharsets.UTF_8);
    ByteBuffer field =
        ByteBuffer.allocate(name.length + 4 + 8 + text.length)
            .order(java.nio.ByteOrder.LITTLE_ENDIAN);
    return field.put(name).putInt(8).putLong(text.length).put(text).array();
  }

  private static int indexOf(byte[] bytes, byte[] part) {
    for (int at = 0; at <= bytes.length - part.length; at++) {
      if (Arrays.equals(bytes, at, at + part.length, part, 0, part.length)) {
        return at;
      }
    }
    throw new AssertionError("the golden file has no " + new String(part, StandardCharsets.UTF_8));
  }
}
