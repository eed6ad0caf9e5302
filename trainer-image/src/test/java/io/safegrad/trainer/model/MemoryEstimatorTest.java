package io.safegrad.trainer.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.safegrad.api.Manifest;
import io.safegrad.api.TrainingPlan;
import io.safegrad.api.v1alpha1.Lora;
import io.safegrad.api.v1alpha1.Model.Storage;
import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.model.MemoryEstimate.Moment;
import io.safegrad.trainer.model.MemoryEstimate.Part;
import io.safegrad.trainer.model.Workload.Attribution;
import io.safegrad.trainer.model.Workload.Rows;
import io.safegrad.trainer.tensor.Compute;
import io.safegrad.trainer.tensor.ComputeDevice;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.tensor.Torch;
import io.safegrad.trainer.weights.SafetensorsFile;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** What is counted; MemoryEstimateTest holds the sum to real processes. */
class MemoryEstimatorTest {

  private static final long HEAP = 512 << 20;

  @ParameterizedTest
  @FieldSource("io.safegrad.trainer.model.Golden#FAMILIES")
  void everyTensorOfAFamilyIsCounted(String family) {
    Golden toy = Golden.of(family);
    TrainingPlan plan = plan("");
    Lora lora = plan.training().lora();
    Batch batch = Batch.of(toy.examples("user"));
    Workload workload = workload(batch.rows(), batch.length());
    MemoryEstimator estimator = new MemoryEstimator(toy.config(), plan, workload, HEAP);
    try (Torch torch = Torch.open();
        SafetensorsFile file = toy.weights()) {
      Scope scope = torch.scope();
      ModelLoader loader = new ModelLoader(toy.config(), scope, torch.operators(), Storage.Float32);
      ModelTensors model = loader.load(file, lora, 1);
      Decoder decoder = new Decoder(toy.config(), torch.operators(), Compute.CPU, scope);
      PlacedBatch placed = decoder.place(scope, batch.inputIds(), batch.runs(), 0);
      Tensor x = decoder.embed(scope, model, placed.ids());
      List<Tensor> outputs =
          forward(decoder, scope, x, AdapterGates.of(lora, scope).trained(), model, placed);

      long adapter = loader.adapter().stream().mapToLong(each -> size(each.shape())).sum();
      assertThat(estimator.trainedBytes()).isEqualTo(Float.BYTES * adapter);
      assertThat(estimator.weights()).isEqualTo(bytes(model.flat()) - Float.BYTES * adapter);
      assertThat(estimator.saved(new Rows(batch.lengths().toArray())))
          .isEqualTo(bytes(outputs.subList(1, outputs.size())));
    }
  }

  @ParameterizedTest
  @FieldSource("io.safegrad.trainer.model.Golden#FAMILIES")
  void everyTensorOfAFamilyIsCountedInBfloat16(String family) {
    Golden toy = Golden.of(family);
    TrainingPlan plan = plan("training: {bf16: true}");
    Lora lora = plan.training().lora();
    Batch batch = Batch.of(toy.examples("user"));
    MemoryEstimator estimator =
        new MemoryEstimator(toy.config(), plan, workload(batch.rows(), batch.length()), HEAP);
    Compute compute = Compute.on(ComputeDevice.CPU, true);
    try (Torch torch = Torch.open(compute);
        SafetensorsFile file = toy.weights()) {
      Scope scope = torch.scope();
      ModelTensors model =
          new ModelLoader(toy.config(), scope, torch.operators(), Storage.BFloat16)
              .load(file, lora, 1);
      Decoder decoder = new Decoder(toy.config(), torch.operators(), compute, scope);
      PlacedBatch placed = decoder.place(scope, batch.inputIds(), batch.runs(), 0);
      Tensor x = decoder.embed(scope, model, placed.ids());
      List<Tensor> saved =
          forward(decoder, scope, x, AdapterGates.of(lora, scope).trained(), model, placed).stream()
              .skip(1)
              .toList();
      long values = saved.stream().mapToLong(Tensor::size).sum();
      long logSums = (long) batch.tokens() * toy.config().heads();
      assertThat(estimator.saved(new Rows(batch.lengths().toArray())))
          .isEqualTo(2 * values + 2 * logSums);
    }
  }

  private static List<Tensor> forward(
      Decoder decoder, Scope scope, Tensor x, Tensor gate, ModelTensors model, PlacedBatch placed) {
    Tensor none = scope.uninitialised(0);
    return decoder.forward(scope, x, gate, model, 0, placed, LoraDropout.NONE, none, none);
  }

  @Test
  void whatMakesARunSmallerMakesItsEstimateSmaller() {
    long plain = bytes("", 8, 512);
    assertThat(bytes("training: {bf16: true}", 8, 512)).isLessThan(plain);
    assertThat(bytes("training: {gradientCheckpointing: Always}", 8, 512)).isLessThan(plain);
    assertThat(bytes("", 4, 512)).isLessThan(plain);
    assertThat(bytes("", 8, 256)).isLessThan(plain);
    assertThat(bytes("method: {name: Sft}", 8, 512)).isLessThan(plain);
    assertThat(bytes("training: {lora: {rank: 64}}", 8, 512)).isGreaterThan(plain);
  }

  @Test
  void inModeFullEveryWeightHasItsGradientsAndMoments() {
    MemoryEstimate estimate = estimate("training: {mode: Full}", 8, 512);
    long weights = estimate.parts().get(Part.WEIGHTS);
    assertThat(estimate.parts())
        .containsEntry(Part.GRADIENTS, 2 * weights)
        .containsEntry(Part.OPTIMIZER, 2 * weights)
        .containsEntry(Part.ADAPTER, 0L);
  }

  @Test
  void eachEarlierAlignmentGradientIsOneMore() {
    MemoryEstimate plain = estimate("", 8, 512);
    MemoryEstimate kept = estimate("method: {alignmentHistorySize: 8}", 8, 512);
    assertThat(kept.parts().get(Part.GRADIENTS)).isEqualTo(5 * plain.parts().get(Part.GRADIENTS));
    assertThat(kept.bytes() - plain.bytes()).isEqualTo(8 * plain.parts().get(Part.ADAPTER));
  }

  @Test
  void attributionHoldsItsGradientAndAMovedModelWhileTheTrainingIsThereOrAfterIt() {
    ModelConfig config = Golden.of("llama").config();
    TrainingPlan plan = plan("training: {mode: Full}");
    Workload between = workload(1, 8, new Attribution(Rows.of(1, 8), 0));
    MemoryEstimate estimate = new MemoryEstimator(config, plan, between, HEAP).estimate();
    long weights = estimate.parts().get(Part.WEIGHTS);
    assertThat(estimate.moment()).isEqualTo(Moment.ATTRIBUTION);
    assertThat(estimate.parts())
        .containsEntry(Part.GRADIENTS, 3 * weights)
        .containsEntry(Part.OPTIMIZER, 2 * weights);
    assertThat(estimate.parts().get(Part.WORKING)).isGreaterThan(weights);

    Workload after = workload(1, 8, new Attribution(Rows.of(64, 512), 200));
    MemoryEstimate refused = new MemoryEstimator(config, plan, after, HEAP).estimate();
    assertThat(refused.moment()).isEqualTo(Moment.ATTRIBUTION);
    assertThat(refused.parts())
        .containsEntry(Part.GRADIENTS, weights)
        .containsEntry(Part.OPTIMIZER, 0L);
    assertThat(refused.parts().get(Part.REFERENCE))
        .isEqualTo(estimate.parts().get(Part.REFERENCE) + 200L * Float.BYTES * config.hiddenSize());
  }

  @Test
  void aLongEvaluationMayNeedMoreThanTraining() {
    ModelConfig config = Golden.of("llama").config();
    Workload evaluated =
        new Workload(Rows.of(1, 8), Rows.NONE, 0, Attribution.NONE, Rows.of(32, 20_000), 1000, 0);
    MemoryEstimate estimate = new MemoryEstimator(config, plan(""), evaluated, HEAP).estimate();
    assertThat(estimate.moment()).isEqualTo(Moment.EVALUATION);
    assertThat(estimate.parts().get(Part.ACTIVATIONS)).isZero();
    assertThat(estimate.labelledParts()).doesNotContainKey("activations").containsKey("working");
  }

  @Test
  void aClassifierIsThereWhileItJudgesAndNotWhileTheModelTrains() {
    ModelConfig config = Golden.of("llama").config();
    Workload judged =
        new Workload(Rows.of(1, 8), Rows.NONE, 0, Attribution.NONE, Rows.of(1, 8), 8, 500 << 20);
    MemoryEstimate estimate = new MemoryEstimator(config, plan(""), judged, HEAP).estimate();
    assertThat(estimate.moment()).isEqualTo(Moment.JUDGEMENT);
    assertThat(estimate.labelledParts())
        .containsEntry("judge", 500L << 20)
        .doesNotContainKeys("activations", "working");
    Workload little =
        new Workload(Rows.of(8, 512), Rows.NONE, 0, Attribution.NONE, Rows.of(1, 8), 8, 1);
    assertThat(new MemoryEstimator(config, plan(""), little, HEAP).estimate().labelledParts())
        .doesNotContainKey("judge");
  }

  private static long bytes(String settings, int rows, int length) {
    return estimate(settings, rows, length).bytes();
  }

  private static MemoryEstimate estimate(String settings, int rows, int length) {
    ModelConfig config = Golden.of("llama").config();
    return new MemoryEstimator(config, plan(settings), workload(rows, length), HEAP).estimate();
  }

  private static Workload workload(int rows, int length) {
    return workload(rows, length, Attribution.NONE);
  }

  private static Workload workload(int rows, int length, Attribution attribution) {
    return new Workload(
        Rows.of(rows, length), Rows.of(rows, length), 100, attribution, Rows.of(2, 10), 48, 0);
  }

  private static TrainingPlan plan(String settings) {
    return TrainingPlan.of(
        Manifest.read(
            """
            apiVersion: safegrad.io/v1alpha1
            kind: SafeFineTune
            metadata: {name: toy}
            spec:
              model: {source: "builtin://tiny-aligned"}
              dataset: {source: "builtin://sentiment"}
              output: {destination: "pvc://adapters/toy"}
              %s
            """
                .formatted(settings)));
  }

  private static long size(long[] shape) {
    long size = 1;
    for (long dimension : shape) {
      size *= dimension;
    }
    return size;
  }

  private static long bytes(List<Tensor> tensors) {
    return Float.BYTES * tensors.stream().mapToLong(Tensor::size).sum();
  }
}
