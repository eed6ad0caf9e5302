package io.safegrad.trainer.model;

import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Model;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.api.v1alpha1.Training.Mode;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.tensor.Compute;
import io.safegrad.trainer.tensor.ComputeDevice;
import io.safegrad.trainer.tensor.GpuCheck;
import io.safegrad.trainer.train.StepMetrics;
import io.safegrad.trainer.train.TrainingLoop;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Prints how far each family's toy, computed in bfloat16 on a device, is from what the processor
 * gives in float32: {@code DeviceTable [cpu|cuda]}. ParityTable says how far that one is from
 * transformers. Differences are ‖found − expected‖ / ‖expected‖.
 */
final class DeviceTable {

  private static final int STEPS = 20;

  private DeviceTable() {}

  public static void main(String... arguments) {
    boolean cuda = arguments.length > 0 && arguments[0].equals("cuda");
    ComputeDevice device = cuda ? ComputeDevice.CUDA : ComputeDevice.CPU;
    String failure = cuda ? GpuCheck.failure() : null;
    if (failure != null) {
      System.err.println("no GPU here computes: " + failure);
      System.exit(1);
    }
    Compute compute = Compute.on(device, true);
    System.out.printf("bfloat16 on %s beside float32 on the CPU%n%n", device.name());
    System.out.println(
        "| toy | trained | logits | loss | KL | KL of itself | gradient of the loss | of the KL |");
    System.out.println("|---|---|---|---|---|---|---|---|");
    for (String family : Golden.FAMILIES) {
      String unfit = unfit(Golden.of(family), compute);
      if (unfit != null) {
        System.out.printf("| %s | - | %s |%n", family, unfit);
        continue;
      }
      for (Mode mode : Mode.values()) {
        ModelPass found = ModelPass.of(family, mode, compute);
        ModelPass expected = ModelPass.of(family, mode, Compute.CPU);
        System.out.printf(
            Locale.ROOT,
            "| %s | %s | %.1e | %.1e | %.1e | %.1e | %.1e | %.1e |%n",
            family,
            mode,
            ModelPass.distance(found.logits(), expected.logits()),
            Math.abs(found.loss() / expected.loss() - 1),
            Math.abs(found.divergence() / expected.divergence() - 1),
            found.ownDivergence(),
            ModelPass.distance(ModelPass.joined(found.user()), ModelPass.joined(expected.user())),
            ModelPass.distance(
                ModelPass.joined(found.alignment()), ModelPass.joined(expected.alignment())));
      }
    }
    printRun(compute);
  }

  /** Why the toy cannot be computed so; null when it can. */
  private static String unfit(Golden golden, Compute compute) {
    try {
      GpuFitness.require(golden.config(), Model.Storage.Float32, compute);
      return null;
    } catch (TrainerException e) {
      return e.getMessage();
    }
  }

  private static void printRun(Compute compute) {
    List<StepMetrics> found = steps(compute);
    List<StepMetrics> expected = steps(Compute.CPU);
    System.out.printf("%n| step | loss | in float32 | KL | in float32 | cosine | in float32 |%n");
    System.out.println("|---|---|---|---|---|---|---|");
    for (int i = 0; i < STEPS; i++) {
      StepMetrics one = found.get(i);
      StepMetrics other = expected.get(i);
      System.out.printf(
          Locale.ROOT,
          "| %d | %.4f | %.4f | %.5f | %.5f | %.3f | %.3f |%n",
          one.step(),
          one.loss(),
          other.loss(),
          one.alignmentLoss(),
          other.alignmentLoss(),
          one.cosine(),
          other.cosine());
    }
  }

  private static List<StepMetrics> steps(Compute compute) {
    Golden golden = Golden.of("llama");
    Training training = Golden.training(Mode.Lora, STEPS, 2, 1);
    List<StepMetrics> steps = new ArrayList<>();
    try (CausalLm model = golden.load(training, compute)) {
      new TrainingLoop(model, new Method(Method.Name.SafeGrad, 1.0, 2), training)
          .run(golden.examples("user"), golden.examples("align"), steps::add);
    }
    return steps;
  }
}
