package io.safegrad.trainer.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.GoldenFiles;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsWeightsTest {

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"toy-llama-f16", "toy-llama-bf16"})
  void readsEveryTensorAsTorchWidensIt(String name) {
    try (SafetensorsWeights weights = SafetensorsWeights.open(GoldenFiles.path(name));
        SafetensorsFile expected =
            SafetensorsFile.open(GoldenFiles.path(name + ".expected.safetensors"))) {
      assertThat(weights.names()).isEqualTo(expected.names()).hasSize(20);
      for (String tensor : weights.names()) {
        assertThat(weights.shape(tensor)).isEqualTo(expected.shape(tensor));
        assertThat(Tensors.read(weights, tensor)).isEqualTo(Tensors.read(expected, tensor));
      }
    }
  }

  @Test
  void readsFromTheDestinationsPositionOn() {
    try (SafetensorsWeights weights = SafetensorsWeights.open(GoldenFiles.path("toy-llama"))) {
      String name = "model.norm.weight";
      FloatBuffer destination = FloatBuffer.allocate(40);
      destination.position(5);
      weights.readFloat32(name, destination);

      assertThat(destination.position()).isEqualTo(37);
      assertThat(Arrays.copyOfRange(destination.array(), 5, 37))
          .isEqualTo(Tensors.read(weights, name));
      assertThat(destination.array()[4]).isZero();
      assertThatThrownBy(() -> weights.readFloat32(name, FloatBuffer.allocate(31)))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void widensEveryHalfFloat() {
    assertThat(HalfFloat.toFloat((short) 0x3c00)).isEqualTo(1f);
    assertThat(HalfFloat.toFloat((short) 0xc000)).isEqualTo(-2f);
    assertThat(HalfFloat.toFloat((short) 0x7bff)).isEqualTo(65504f);
    assertThat(HalfFloat.toFloat((short) 0x0001)).isEqualTo(0x1p-24f);
    assertThat(HalfFloat.toFloat((short) 0x83ff)).isEqualTo(-1023 * 0x1p-24f);
    assertThat(Float.floatToRawIntBits(HalfFloat.toFloat((short) 0x8000))).isEqualTo(1 << 31);
    assertThat(HalfFloat.toFloat((short) 0x7c00)).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(HalfFloat.toFloat((short) 0xfc00)).isEqualTo(Float.NEGATIVE_INFINITY);
    assertThat(HalfFloat.toFloat((short) 0x7e00)).isNaN();
  }

  @Test
  void aFileCutAtAnyByteGivesOneClearError() throws IOException {
    byte[] whole = Files.readAllBytes(GoldenFiles.path("toy-llama/model.safetensors"));
    Path file = folder.resolve("model.safetensors");
    for (int length = 0; length < whole.length; length += length < 3000 ? 61 : 7919) {
      Files.write(file, Arrays.copyOf(whole, length));

      assertThatThrownBy(() -> SafetensorsWeights.open(folder))
          .isInstanceOf(TrainerException.class)
          .hasMessageStartingWith(file + ": ")
          .hasMessageContaining("expected")
          .extracting(e -> ((TrainerException) e).reason())
          .isEqualTo(ExitReason.BAD_DATA);
    }
  }

  @Test
  void aFileCutAfterItWasOpenedNamesTheTensor() throws IOException {
    byte[] whole = Files.readAllBytes(GoldenFiles.path("toy-llama/model.safetensors"));
    Path file = folder.resolve("model.safetensors");
    Files.write(file, whole);
    try (SafetensorsWeights weights = SafetensorsWeights.open(folder)) {
      Files.write(file, Arrays.copyOf(whole, whole.length - 1));

      assertThatThrownBy(() -> Tensors.read(weights, "model.norm.weight"))
          .hasMessage(
              file
                  + ": the file ends inside tensor model.norm.weight: expected "
                  + whole.length
                  + " bytes, found "
                  + (whole.length - 1));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      value = {
        "{{ ~ the header is not JSON",
        "[] ~ the header is not a JSON object",
        "{\"a\": 1} ~ tensor a: field dtype is missing",
        "{\"a\": {\"dtype\": \"F32\"}} ~ tensor a: expected a list in field shape",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0]}} ~ tensor a: expected"
            + " data_offsets [begin, end], found [0]",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [8, 0]}} ~ tensor a:"
            + " expected data_offsets [begin, end], found [8, 0]",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [-2], \"data_offsets\": [0, 8]}} ~ tensor a:"
            + " expected whole numbers of at least 0 in field shape",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [1.5], \"data_offsets\": [0, 8]}} ~ tensor a:"
            + " expected whole numbers of at least 0 in field shape",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [3], \"data_offsets\": [0, 8]}} ~ tensor a:"
            + " expected 12 bytes for F32 [3], found 8",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [4294967296, 4294967296], \"data_offsets\": [0,"
            + " 8]}} ~ tensor a: the shape [4294967296, 4294967296] is too large",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [4], \"data_offsets\": [0, 16]}} ~ tensor a ends"
            + " after the end of the file",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4]}, \"b\": {\"dtype\":"
            + " \"F32\", \"shape\": [1], \"data_offsets\": [2, 6]}} ~ tensor b overlaps the one"
            + " before it",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [4, 8]}} ~ tensor a follows"
            + " a hole",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4]}} ~ expected the"
            + " file to end with its last tensor",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4]}, \"a\": {\"dtype\":"
            + " \"F32\", \"shape\": [1], \"data_offsets\": [4, 8]}} ~ the header is not JSON:"
            + " Duplicate field 'a'",
      })
  void aBrokenHeaderIsRefused(String header, String message) throws IOException {
    Path file = write(header, 8);

    assertThatThrownBy(() -> SafetensorsFile.open(file))
        .isInstanceOf(TrainerException.class)
        .hasMessageStartingWith(file + ": " + message);
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, 0, 1, 100_000_001, Long.MAX_VALUE, Long.MIN_VALUE})
  void aHeadersLengthIsNotBelieved(long length) throws IOException {
    Path file = folder.resolve("f.safetensors");
    Files.write(
        file, ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array());

    assertThatThrownBy(() -> SafetensorsFile.open(file))
        .hasMessageStartingWith(file + ": not a safetensors file");
  }

  @Test
  void aTypeThatCannotBeReadIsNamedWhenItIsAskedFor() throws IOException {
    Path file = write("{\"a\": {\"dtype\": \"I64\", \"shape\": [1], \"data_offsets\": [0, 8]}}", 8);
    try (SafetensorsFile weights = SafetensorsFile.open(file)) {
      assertThat(weights.names()).containsExactly("a");
      assertThatThrownBy(() -> Tensors.read(weights, "a"))
          .hasMessage(file + ": tensor a: expected dtype F32, F16 or BF16, found I64");
      assertThatThrownBy(() -> weights.shape("b")).hasMessage(file + ": there is no tensor b");
    }
  }

  @Test
  void anIndexIsHeldToItsShards() throws IOException {
    copy("toy-llama-bf16/model.safetensors.index.json");
    copy("toy-llama-bf16/model-00001-of-00002.safetensors");
    assertThatThrownBy(() -> SafetensorsWeights.open(folder))
        .hasMessage(
            folder.resolve("model-00002-of-00002.safetensors")
                + ": expected a checkpoint file, but there is no such file");

    Files.copy(
        GoldenFiles.path("toy-llama-bf16/model-00001-of-00002.safetensors"),
        folder.resolve("model-00002-of-00002.safetensors"));
    assertThatThrownBy(() -> SafetensorsWeights.open(folder))
        .hasMessageContaining("as model.safetensors.index.json says; it is not there");
  }

  @ParameterizedTest
  @ValueSource(strings = {"../other.safetensors", "/etc/passwd", "a/b.safetensors", "", ".."})
  void anIndexReachesNoOtherDirectory(String shard) throws IOException {
    ObjectNode index = (ObjectNode) GoldenFiles.json("toy-llama-bf16/model.safetensors.index.json");
    ((ObjectNode) index.path("weight_map")).put("a", shard);
    Files.writeString(folder.resolve("model.safetensors.index.json"), index.toString());
    copy("toy-llama-bf16/model-00001-of-00002.safetensors");
    copy("toy-llama-bf16/model-00002-of-00002.safetensors");

    assertThatThrownBy(() -> SafetensorsWeights.open(folder))
        .isInstanceOf(TrainerException.class)
        .hasMessageContaining("expected a");
  }

  @Test
  void aDirectoryWithoutWeightsIsNamed() {
    assertThatThrownBy(() -> SafetensorsWeights.open(folder))
        .hasMessage(
            folder + ": expected model.safetensors or model.safetensors.index.json, found neither");
  }

  private void copy(String name) throws IOException {
    Path source = GoldenFiles.path(name);
    Files.copy(source, folder.resolve(source.getFileName().toString()));
  }

  private Path write(String header, int dataBytes) throws IOException {
    byte[] text = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + text.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(text.length).put(text);
    Path file = folder.resolve("f.safetensors");
    Files.write(file, bytes.array());
    return file;
  }
}
