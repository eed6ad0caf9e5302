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
import io.safegrad.trainer.weights.FloatTensor;
import io.safegrad.trainer.weights.PretrainedModel;
import io.safegrad.trainer.weights.SafetensorsFile;
import io.safegrad.trainer.weights.StorageType;
import io.safegrad.trainer.weights.TensorContents;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HuggingFaceModelTest {

  private static final List<Message> CHAT = List.of(new Message("user", "Hi"));

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"toy-llama", "toy-llama.gguf", "toy-llama-spm.gguf"})
  void aCopyWithOtherWeightsIsAModelOfItsOwn(String name) {
    try (PretrainedModel model = PretrainedModel.open(GoldenFiles.path(name))) {
      Map<String, FloatTensor> tensors = new TreeMap<>(Models.tensors(model.weights()));
      tensors.get("model.norm.weight").values()[0] += 1;
      HuggingFaceModel.write(
          model, TensorContents.of(tensors), StorageType.FLOAT32, Long.MAX_VALUE, folder);

      try (PretrainedModel written = PretrainedModel.open(folder)) {
        ObjectNode config = model.config().deepCopy();
        assertThat(written.config().toString())
            .isEqualTo(config.put("dtype", "float32").toString());
        assertThat(written.endOfSequenceIds()).isEqualTo(model.endOfSequenceIds());
        assertThat(written.chatTemplate().render(CHAT, true))
            .isEqualTo(model.chatTemplate().render(CHAT, true));
        assertThat(written.tokenizer().encode("How do I bake?"))
            .isEqualTo(model.tokenizer().encode("How do I bake?"));
        assertThat(written.tokenizer().textStart()).isEqualTo(model.tokenizer().textStart());
        assertSame(Models.tensors(written.weights()), tensors);
      }
    }
  }

  @Test
  void aLargeModelIsSplitAndTheIndexSaysWhereEachTensorIs() throws IOException {
    try (PretrainedModel model = PretrainedModel.open(GoldenFiles.path("toy-llama"))) {
      HuggingFaceModel.write(model, model.weights(), StorageType.FLOAT32, 60_000, folder);

      JsonNode index =
          new ObjectMapper().readTree(folder.resolve("model.safetensors.index.json").toFile());
      Map<String, FloatTensor> tensors = Models.tensors(model.weights());
      long bytes = tensors.values().stream().mapToLong(tensor -> 4L * tensor.values().length).sum();
      assertThat(index.path("metadata").path("total_size").asLong()).isEqualTo(bytes);
      assertThat(index.path("weight_map")).hasSize(tensors.size());
      assertThat(folder.resolve("model.safetensors")).doesNotExist();
      assertThat(folder.resolve("model-00001-of-00003.safetensors")).exists();
      for (int shard = 1; shard <= 3; shard++) {
        Path file = folder.resolve("model-0000%d-of-00003.safetensors".formatted(shard));
        assertThat(Files.size(file)).isLessThan(60_000 + 2_000);
      }
      try (PretrainedModel written = PretrainedModel.open(folder)) {
        assertSame(Models.tensors(written.weights()), tensors);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"FLOAT16, toy-llama-f16", "BFLOAT16, toy-llama-bf16"})
  void halfPrecisionIsRoundedAsPyTorchRounds(StorageType type, String golden) throws IOException {
    try (PretrainedModel model = PretrainedModel.open(GoldenFiles.path("toy-llama"))) {
      HuggingFaceModel.write(model, model.weights(), type, Long.MAX_VALUE, folder);
    }
    assertSame(
        SafetensorsFile.read(folder.resolve("model.safetensors")),
        SafetensorsFile.read(GoldenFiles.path(golden + ".expected.safetensors")));
    JsonNode config = new ObjectMapper().readTree(folder.resolve("config.json").toFile());
    assertThat(HuggingFaceModel.typeOf(config)).contains(type);
  }

  @Test
  void aNumberThatFloat16CannotHoldIsNamedAndNothingIsLeft() {
    Map<String, FloatTensor> tensors =
        Map.of("big", new FloatTensor(new long[] {2}, new float[] {1, 65520}));
    try (PretrainedModel model = PretrainedModel.open(GoldenFiles.path("toy-llama"))) {
      assertThatThrownBy(
              () ->
                  HuggingFaceModel.write(
                      model,
                      TensorContents.of(tensors),
                      StorageType.FLOAT16,
                      Long.MAX_VALUE,
                      folder))
          .isInstanceOf(TrainerException.class)
          .hasMessage(
              folder.resolve("model.safetensors")
                  + ": tensor big has the number 65520.0, beyond float16's 65504; expected bfloat16"
                  + " or float32")
          .extracting(e -> ((TrainerException) e).reason())
          .isEqualTo(ExitReason.BAD_DATA);
    }
    assertThat(folder).isEmptyDirectory();
  }

  private static void assertSame(Map<String, FloatTensor> found, Map<String, FloatTensor> wanted) {
    assertThat(found.keySet()).isEqualTo(wanted.keySet());
    wanted.forEach(
        (name, tensor) -> {
          assertThat(found.get(name).shape()).as(name).isEqualTo(tensor.shape());
          assertThat(Arrays.equals(found.get(name).values(), tensor.values())).as(name).isTrue();
        });
  }
}
