package io.safegrad.trainer.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.trainer.safety.Attribution;
import io.safegrad.trainer.telemetry.TrainingHistory;
import io.safegrad.trainer.train.DataPosition;
import io.safegrad.trainer.train.StepMetrics;
import io.safegrad.trainer.train.ValidationProgress;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;

/**
 * What a checkpoint holds beside its tensors. No measurement of safety is in it: the destination is
 * its user's to write, and the gate relies on nothing that is read from there. What attribution
 * found is, and whoever alters it alters which examples are left out, not what the gate measures.
 *
 * @param origin what the checkpoint was made from
 * @param steps optimizer steps done
 * @param position how far the data was read
 * @param validation what the validation losses were
 * @param history what is reported of the steps so far
 * @param attribution which examples pull away from the alignment; null until it is measured
 */
record CheckpointManifest(
    Origin origin,
    int steps,
    DataPosition position,
    ValidationProgress validation,
    TrainingHistory history,
    Attribution attribution) {

  static final String FILE_NAME = "checkpoint.json";

  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * All that a resumed run must have in common with the one before.
   *
   * @param plan the plan's digest
   * @param trainer the program's version
   * @param inputs the digest of each model and data set, by the plan's field that names it
   */
  record Origin(String plan, String trainer, Map<String, String> inputs) {

    /**
     * Compares with what a run has now.
     *
     * @throws IOException naming what differs
     */
    void requireSame(Origin now) throws IOException {
      requireSame("the plan", plan, now.plan);
      requireSame("the trainer's version", trainer, now.trainer);
      TreeSet<String> fields = new TreeSet<>(inputs.keySet());
      fields.addAll(now.inputs.keySet());
      for (String field : fields) {
        requireSame("the content of " + field, inputs.get(field), now.inputs.get(field));
      }
    }

    private static void requireSame(String what, String then, String now) throws IOException {
      if (then == null || !then.equals(now)) {
        throw new IOException("%s was %s and is %s".formatted(what, then, now));
      }
    }
  }

  /** Writes {@value #FILE_NAME} into a folder. */
  void write(Path folder) throws IOException {
    JSON.writeValue(folder.resolve(FILE_NAME).toFile(), this);
  }

  /**
   * Reads {@value #FILE_NAME} of a folder.
   *
   * @throws IOException also when what a resumed run relies on is not in it
   */
  static CheckpointManifest read(Path folder) throws IOException {
    CheckpointManifest manifest;
    try {
      manifest = JSON.readValue(folder.resolve(FILE_NAME).toFile(), CheckpointManifest.class);
    } catch (JsonProcessingException e) {
      // The parser's message quotes the file.
      throw new IOException(FILE_NAME + " is not the manifest of a checkpoint", e);
    }
    if (manifest == null || !manifest.isWhole()) {
      throw new IOException(FILE_NAME + " is not the whole manifest of a checkpoint");
    }
    return manifest;
  }

  private boolean isWhole() {
    return origin != null
        && origin.inputs != null
        && steps > 0
        && position != null
        && position.user() >= 0
        && position.alignment() >= 0
        && validation != null
        && history != null
        && isStep(history.last())
        && history.series() != null
        && history.series().stream().allMatch(CheckpointManifest::isStep)
        && hasNoNull(history.evaluations())
        && hasNoNull(history.resumedAfter())
        && (attribution == null
            || hasNoNull(attribution.condemned()) && hasNoNull(attribution.worst()));
  }

  private static boolean isStep(StepMetrics step) {
    return step != null
        && step.method() != null
        && step.method().name() != null
        && step.method().action() != null;
  }

  private static boolean hasNoNull(List<?> list) {
    return list != null && list.stream().allMatch(Objects::nonNull);
  }
}
