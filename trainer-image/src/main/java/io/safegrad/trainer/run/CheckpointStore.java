package io.safegrad.trainer.run;

import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.run.CheckpointFolder.Checkpoint;
import io.safegrad.trainer.train.TrainingState;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** The checkpoints of one plan, each there as a whole or not at all. */
interface CheckpointStore {

  /**
   * The newest checkpoint that is whole and was made from the same; each newer one that is not is
   * told in a line of the log.
   */
  Optional<Checkpoint> newest(CheckpointManifest.Origin origin) throws IOException;

  /**
   * Keeps a checkpoint. On any failure there is no part of it, and the others are as they were.
   *
   * @throws IOException when the disk is full or cannot be written
   * @throws TrainerException when the store cannot be reached
   */
  void save(TrainingState state, CheckpointManifest manifest) throws IOException;

  /**
   * Removes all but the newest ones, and those that a killed attempt left unfinished.
   *
   * @param steps steps of the newest usable one; later ones were found unusable
   * @param limit how many to keep
   */
  void prune(int steps, int limit) throws IOException;

  /** Removes all of it. */
  void remove() throws IOException;

  /** The places of other plans' checkpoints for the same destination. */
  List<String> ofOtherPlans() throws IOException;
}
