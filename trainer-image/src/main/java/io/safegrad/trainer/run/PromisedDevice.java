package io.safegrad.trainer.run;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.tensor.ComputeDevice;
import io.safegrad.trainer.tensor.GpuCheck;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a pod was promised to compute on. A promise that is not kept ends the run before a model is
 * read: a GPU that was set aside would lie idle for hours while the processor computes.
 */
final class PromisedDevice {

  private static final Pattern ONE_NVIDIA = Pattern.compile("nvidia\\.com/[^:,]+: 1");
  private static final String FIELD = "spec.pod.resources";

  private PromisedDevice() {}

  /**
   * The device to compute on.
   *
   * @param promised as the operator writes it, {@code nvidia.com/gpu: 1}; empty for the processor
   * @throws TrainerException with BAD_PLAN when this trainer or this image cannot use it; with
   *     INTERNAL, because another node may have it, when it is not there
   */
  static ComputeDevice of(String promised) {
    if (promised.isEmpty()) {
      return ComputeDevice.CPU;
    }
    Matcher one = ONE_NVIDIA.matcher(promised);
    if (!one.matches()) {
      throw badPlan(promised, "this trainer computes on one NVIDIA GPU or on the CPU; ask for one");
    }
    if (!GpuCheck.builtForGpus()) {
      throw badPlan(
          promised,
          "this trainer computes on the CPU; take it out, or name an image in spec.pod.image that"
              + " uses it");
    }
    String failure = GpuCheck.failure();
    if (failure != null) {
      throw new TrainerException(
          ExitReason.INTERNAL,
          "%s: found %s, and no GPU here computes (%s); expected a node whose driver has one of compute capability 8.0 or more"
              .formatted(FIELD, promised, failure));
    }
    return ComputeDevice.CUDA;
  }

  private static TrainerException badPlan(String promised, String because) {
    return new TrainerException(
        ExitReason.BAD_PLAN, "%s: found %s, and %s".formatted(FIELD, promised, because));
  }
}
