package io.safegrad.trainer.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.safegrad.api.v1alpha1.Model.Storage;
import io.safegrad.trainer.export.WeightsInMemory;
import io.safegrad.trainer.tensor.Compute;
import io.safegrad.trainer.tensor.ComputeDevice;
import io.safegrad.trainer.tensor.ComputeType;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.tensor.Torch;
import io.safegrad.trainer.weights.FloatTensor;
import io.safegrad.trainer.weights.SafetensorsFile;
import io.safegrad.trainer.weights.SafetensorsWriter;
import io.safegrad.trainer.weights.StorageType;
import io.safegrad.trainer.weights.TensorContents;
import io.safegrad.trainer.weights.Weights;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The short ways from a file to memory give what widening in Java gives. */
class WeightReaderTest {

  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({
    "FLOAT32, Float32", "FLOAT32, BFloat16", "FLOAT32, Int8",
    "FLOAT16, Float32", "FLOAT16, BFloat16", "FLOAT16, Int8",
    "BFLOAT16, Float32", "BFLOAT16, BFloat16", "BFLOAT16, Int8"
  })
  void everyWeightIsWhatTheFileSays(StorageType stored, Storage kept) {
    everyWeightIsWhatTheFileSays(stored, kept, Compute.CPU);
  }

  /** On a GPU Java writes what it reads to the host, and never to the device. */
  @ParameterizedTest
  @CsvSource({
    "FLOAT32, Float32", "FLOAT32, BFloat16", "FLOAT16, BFloat16",
    "BFLOAT16, Float32", "BFLOAT16, BFloat16", "BFLOAT16, Int8"
  })
  void onADeviceWhoseMemoryJavaDoesNotSee(StorageType stored, Storage kept) {
    Compute unseen = new Compute(new ComputeDevice("cpu", false), ComputeType.BFLOAT16);
    everyWeightIsWhatTheFileSays(stored, kept, unseen);
  }

  private void everyWeightIsWhatTheFileSays(StorageType stored, Storage kept, Compute compute) {
    // Qwen2 has biases and one matrix of three linears.
    Golden toy = Golden.of("qwen2");
    Path path = folder.resolve("model.safetensors");
    write(path, SafetensorsFile.read(Golden.resource("qwen2/model.safetensors")), stored);
    try (Torch torch = Torch.open();
        Torch there = Torch.open(compute);
        SafetensorsFile file = SafetensorsFile.open(path)) {
      List<float[]> expected =
          load(torch, toy, new WeightsInMemory(SafetensorsFile.read(path)), kept);
      assertThat(expected).isNotEmpty().anySatisfy(values -> assertThat(values).isNotEmpty());
      assertThat(load(there, toy, file, kept))
          .usingRecursiveFieldByFieldElementComparator()
          .isEqualTo(expected);
    }
  }

  @Test
  void aTensorLargerThanAChunkIsReadWhole() {
    float[] values = new float[(1 << 22) + 5];
    for (int i = 0; i < values.length; i++) {
      values[i] = i % 251 - 125;
    }
    Path path = folder.resolve("large.safetensors");
    write(
        path,
        Map.of("x", new FloatTensor(new long[] {values.length}, values)),
        StorageType.BFLOAT16);
    try (Torch torch = Torch.open();
        SafetensorsFile file = SafetensorsFile.open(path);
        WeightReader reader =
            new WeightReader(file, torch.operators(), torch.scope().onHost(), 0)) {
      Tensor tensor = torch.scope().uninitialised(values.length + 2);
      reader.read(new NamedTensor("x", new long[] {values.length}, tensor, 2, false));
      assertThat(tensor.read(2, values.length)).isEqualTo(FloatBuffer.wrap(values));
    }
  }

  private static List<float[]> load(Torch torch, Golden toy, Weights weights, Storage kept) {
    try (Scope scope = torch.scope().child()) {
      return new ModelLoader(toy.config(), scope, torch.operators(), kept)
          .load(weights, null, 0).flat().stream()
              .map(tensor -> torch.operators().one(scope, "to_float32", tensor).toFloatArray())
              .toList();
    }
  }

  private static void write(Path path, Map<String, FloatTensor> tensors, StorageType type) {
    SafetensorsWriter.write(
        path, List.copyOf(tensors.keySet()), TensorContents.of(tensors), type, Map.of());
  }
}
