package io.safegrad.trainer.run;

import io.safegrad.api.ExitReason;
import io.safegrad.api.v1alpha1.Method;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.safety.Attribution;
import io.safegrad.trainer.telemetry.TrainingHistory;
import io.safegrad.trainer.telemetry.ValidationSummary;
import io.safegrad.trainer.train.DataPosition;
import io.safegrad.trainer.train.MethodFigures;
import io.safegrad.trainer.train.StepMetrics;
import io.safegrad.trainer.train.ValidationProgress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Reads the manifest of a checkpoint as a run that resumes does. */
public final class CheckpointReading {

  private static final CheckpointManifest.Origin ORIGIN =
      new CheckpointManifest.Origin("sha256:0", "0.1.0", Map.of("model.source", "sha256:1"));

  private CheckpointReading() {}

  /**
   * @param folder holds {@value CheckpointManifest#FILE_NAME}
   * @throws TrainerException in place of the line of the log that tells why it is not used
   */
  public static void read(Path folder) {
    try {
      CheckpointManifest.read(folder).origin().requireSame(ORIGIN);
    } catch (IOException e) {
      throw new TrainerException(ExitReason.BAD_DATA, e.getMessage(), e);
    }
  }

  /**
   * A manifest that {@link #read} accepts.
   *
   * @param folder where it is written
   */
  public static byte[] valid(Path folder) throws IOException {
    StepMetrics step =
        new StepMetrics(
            2,
            4,
            1.5,
            0.1,
            -0.2,
            -0.3,
            true,
            1.0,
            2.0,
            0.05,
            1.1,
            1e-4,
            64,
            0.25,
            1.75,
            MethodFigures.of(Method.Name.SafeGrad, MethodFigures.Action.PROJECTED));
    new CheckpointManifest(
            ORIGIN,
            2,
            new DataPosition(4, 8),
            new ValidationProgress(1.75, 2, 0),
            new TrainingHistory(
                step,
                2.0,
                1.5,
                0.1,
                List.of(step),
                128,
                2,
                1,
                0,
                new ValidationSummary(1, 1.75, 2, 1.75, 2),
                List.of(),
                0.5,
                List.of(1)),
            new Attribution(
                2,
                3,
                0.5,
                1.5,
                List.of(7),
                List.of(new Attribution.Example(7, 2.5, "sha256:2", null)),
                4))
        .write(folder);
    return Files.readAllBytes(folder.resolve(CheckpointManifest.FILE_NAME));
  }
}
