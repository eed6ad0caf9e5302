package io.safegrad.trainer.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.GoldenFiles;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsFileTest {

  @TempDir Path folder;

  @Test
  void writesTheSameBytesAsTheFormatsOwnLibrary() throws IOException {
    Path golden = GoldenFiles.path("toy-llama/model.safetensors");
    Map<String, FloatTensor> tensors = new LinkedHashMap<>();
    try (SafetensorsFile file = SafetensorsFile.open(golden)) {
      List<String> names = file.names().stream().sorted((a, b) -> b.compareTo(a)).toList();
      for (String name : names) {
        tensors.put(name, new FloatTensor(file.shape(name), Tensors.read(file, name)));
      }
    }
    Path written = folder.resolve("model.safetensors");
    SafetensorsFile.write(written, tensors, Map.of("format", "pt"));

    assertThat(written).hasSameBinaryContentAs(golden);
  }

  @Test
  void writesScalarsAndEmptyTensors() {
    Path written = folder.resolve("f.safetensors");
    SafetensorsFile.write(
        written,
        Map.of(
            "scalar", new FloatTensor(new long[0], new float[] {3}),
            "empty", new FloatTensor(new long[] {0, 4}, new float[0])),
        Map.of());
    try (SafetensorsFile file = SafetensorsFile.open(written)) {
      assertThat(file.shape("empty")).containsExactly(0, 4);
      assertThat(file.shape("scalar")).isEmpty();
      assertThat(Tensors.read(file, "scalar")).containsExactly(3);
      assertThat(Tensors.read(file, "empty")).isEmpty();
    }
  }

  @Test
  void aFailureLeavesTheOldFileAndNothingElse() throws IOException {
    Path file = folder.resolve("report.json");
    Files.writeString(file, "old");

    assertThatThrownBy(
            () ->
                AtomicFile.write(
                    file,
                    channel -> {
                      channel.write(java.nio.ByteBuffer.wrap(new byte[100]));
                      throw new IOException("No space left on device");
                    }))
        .isInstanceOf(TrainerException.class)
        .hasMessage(file + ": could not be written: No space left on device")
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(ExitReason.INTERNAL);
    assertThat(file).hasContent("old");
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).containsExactly(file);
    }
  }

  @Test
  void aMissingDirectoryIsNamed() {
    Path file = folder.resolve("no/f.safetensors");

    assertThatThrownBy(() -> SafetensorsFile.write(file, Map.of(), Map.of()))
        .isInstanceOf(TrainerException.class)
        .hasMessageStartingWith(file + ": could not be written");
  }
}
