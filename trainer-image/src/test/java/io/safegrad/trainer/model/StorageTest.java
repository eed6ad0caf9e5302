package io.safegrad.trainer.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.safegrad.api.v1alpha1.Model.Storage;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.api.v1alpha1.Training.Mode;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.weights.FloatTensor;
import io.safegrad.trainer.weights.Weights;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Frozen weights that are kept in less memory than float32. */
class StorageTest {

  @ParameterizedTest
  @CsvSource({
    "llama, BFloat16", "llama, Int8", "qwen2, BFloat16", "qwen2, Int8",
    "gemma2, BFloat16", "gemma2, Int8", "phi3, BFloat16", "phi3, Int8"
  })
  void gradientsAreThoseOfWeightsThatWereRounded(String family, Storage storage) {
    Golden golden = Golden.of(family);
    Training training = Golden.training(Mode.Lora, 1);
    try (CausalLm exact = golden.loadWithAdapter(training);
        CausalLm rounded = golden.loadWithAdapter(training, file -> new Rounded(file, storage));
        CausalLm kept = golden.loadWithAdapter(training, storage);
        Scope scope = kept.torch().scope().child()) {
      List<Tensor> found = gradient(kept, golden, scope);
      assertThat(relativeError(gradient(rounded, golden, scope), found)).isLessThan(1e-5);
      assertThat(relativeError(gradient(exact, golden, scope), found)).isGreaterThan(1e-3);
    }
  }

  @ParameterizedTest
  @EnumSource(Storage.class)
  void theStartModelDivergesFromItselfByNothing(Storage storage) {
    Golden golden = Golden.of("llama");
    try (CausalLm model = load(golden, storage);
        ReferenceModel reference = model.reference(golden.examples("align"));
        Scope scope = model.torch().scope().child()) {
      Gradient gradient = model.newGradient(scope);
      model.trained().set(zeroB(model));
      double divergence =
          model.gradients().addAlignment(reference.batch(List.of(0, 1, 2)), 1, gradient);
      assertThat(divergence).isCloseTo(0, within(1e-5));
      for (Tensor tensor : gradient.vector()) {
        for (float value : tensor.toFloatArray()) {
          assertThat(value).isCloseTo(0, within(1e-5f));
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Storage.class)
  void aKeptModelGenerates(Storage storage) {
    Golden golden = Golden.of("llama");
    try (CausalLm model = load(golden, storage)) {
      assertThat(model.generate(List.of(new int[] {1, 2, 3}), 8, Set.of()).get(0)).hasSize(8);
    }
  }

  @Test
  void int8IsWithinHalfAStepOfEachRow() {
    Golden golden = Golden.of("llama");
    try (CausalLm model = golden.load(Golden.training(Mode.Lora, 1));
        Scope scope = model.torch().scope().child()) {
      float[] values = {1f, -0.5f, 0.004f, 0f, 200f, -100f, 1f, 0.3f, 0f, 0f, 0f, 0f};
      Tensor kept = model.torch().operators().one(scope, "to_int8", scope.float32(values, 3, 4));
      float[] found = model.torch().operators().one(scope, "to_float32", kept).toFloatArray();
      float[] largest = {1f, 200f, 0f};
      for (int i = 0; i < values.length; i++) {
        assertThat(found[i]).isCloseTo(values[i], within(largest[i / 4] / 127 / 2 * 1.001f));
      }
    }
  }

  @Test
  void trainedWeightsAreKeptInFloat32() {
    assertThatThrownBy(
            () -> Golden.of("llama").loadWithAdapter(Golden.training(Mode.Full, 1), Storage.Int8))
        .isInstanceOf(TrainerException.class)
        .hasMessage(
            "model.storage is Int8; expected Float32, because training.mode Full trains the weights");
  }

  /** A checkpoint's weights as they are when they come back from storage, rounded here in Java. */
  private record Rounded(Weights file, Storage storage) implements Weights {

    @Override
    public Set<String> names() {
      return file.names();
    }

    @Override
    public long[] shape(String name) {
      return file.shape(name);
    }

    @Override
    public void readFloat32(String name, FloatBuffer target) {
      file.readFloat32(name, target.duplicate());
      if (shape(name).length == 1) {
        return;
      }
      boolean vocabulary = name.contains("embed_tokens") || name.startsWith("lm_head");
      int columns = (int) shape(name)[1];
      for (int row = 0; row < shape(name)[0]; row++) {
        float step = 0;
        for (int i = row * columns; i < (row + 1) * columns; i++) {
          step = Math.max(step, Math.abs(target.get(i)) / 127);
        }
        for (int i = row * columns; i < (row + 1) * columns; i++) {
          target.put(
              i,
              storage == Storage.BFloat16 || vocabulary
                  ? bfloat16(target.get(i))
                  : (float) Math.rint(target.get(i) / step) * step);
        }
      }
    }

    /** Rounded to the nearest of those with eight bits of precision, to even at a tie. */
    private static float bfloat16(float value) {
      int bits = Float.floatToRawIntBits(value);
      return Float.intBitsToFloat(bits + 0x7fff + (bits >> 16 & 1) & 0xffff0000);
    }

    @Override
    public void close() throws IOException {
      file.close();
    }
  }

  private static CausalLm load(Golden golden, Storage storage) {
    return golden.loadWithAdapter(Golden.training(Mode.Lora, 1), storage);
  }

  /** The adapter with every B at 0, so that it changes nothing. */
  private static Map<String, FloatTensor> zeroB(CausalLm model) {
    Map<String, FloatTensor> adapter = model.trained().copies();
    adapter.replaceAll(
        (name, tensor) ->
            name.contains("lora_B")
                ? new FloatTensor(tensor.shape(), new float[tensor.values().length])
                : tensor);
    return adapter;
  }

  private static List<Tensor> gradient(CausalLm model, Golden golden, Scope scope) {
    Gradient gradient = model.newGradient(scope);
    model.gradients().addUser(Batch.of(golden.examples("user")), 1, gradient);
    return gradient.vector();
  }

  private static double relativeError(List<Tensor> expected, List<Tensor> found) {
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < expected.size(); i++) {
      float[] a = expected.get(i).toFloatArray();
      float[] b = found.get(i).toFloatArray();
      for (int j = 0; j < a.length; j++) {
        difference += (a[j] - b[j]) * (a[j] - b[j]);
        norm += a[j] * a[j];
      }
    }
    return Math.sqrt(difference / norm);
  }
}
