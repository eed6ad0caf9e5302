package io.safegrad.trainer.run;

import io.safegrad.api.ExitReason;
import io.safegrad.api.TrainingPlan;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.report.RunJournal;
import io.safegrad.trainer.report.RunVersions;
import io.safegrad.trainer.run.CheckpointFolder.Checkpoint;
import io.safegrad.trainer.telemetry.RunObserver;
import io.safegrad.trainer.telemetry.TrainingHistory;
import io.safegrad.trainer.train.Checkpoints;
import io.safegrad.trainer.train.TrainingState;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * When a run keeps checkpoints: every so many steps, after the last one, before the model is
 * evaluated, and when it is asked to stop. One that cannot be written is told in the log and the
 * run goes on.
 */
final class RunCheckpoints implements Checkpoints {

  private static final Logger LOG = LoggerFactory.getLogger(RunCheckpoints.class);

  private final CheckpointStore store;
  private final Training training;
  private final CheckpointManifest.Origin origin;
  private final RunJournal journal;
  private final RunObserver observer;
  private final Preemption preemption;
  private final Checkpoint found;

  private RunCheckpoints(
      CheckpointStore store,
      TrainingPlan plan,
      RunJournal journal,
      RunObserver observer,
      Preemption preemption)
      throws IOException {
    this.store = store;
    this.training = plan.training();
    this.origin =
        new CheckpointManifest.Origin(
            plan.digest(), RunVersions.safegradVersion(), journal.inputDigests());
    this.journal = journal;
    this.observer = observer;
    this.preemption = preemption;
    for (String other : store.ofOtherPlans()) {
      LOG.info("{} holds checkpoints of another plan: not used, and yours to remove", other);
    }
    this.found = store.newest(origin).orElse(null);
  }

  /**
   * Looks for what an earlier attempt of the same plan has kept.
   *
   * @param journal has been told of all inputs, and is one of those the observer tells
   * @throws TrainerException with SOURCE_UNAVAILABLE when the store cannot be read
   */
  static RunCheckpoints open(
      CheckpointStore store,
      TrainingPlan plan,
      RunJournal journal,
      RunObserver observer,
      Preemption preemption) {
    try {
      RunCheckpoints checkpoints = new RunCheckpoints(store, plan, journal, observer, preemption);
      if (checkpoints.found != null) {
        preemption.kept(checkpoints.found.manifest().steps());
      }
      return checkpoints;
    } catch (IOException e) {
      throw new TrainerException(
          ExitReason.SOURCE_UNAVAILABLE,
          "output.destination: the checkpoints beside it cannot be read: " + e.getMessage(),
          e);
    }
  }

  @Override
  public void restore(TrainingState state) {
    if (found == null) {
      return;
    }
    try {
      found.restore(state);
    } catch (TrainerException e) {
      // Its digests held when it was found: it changed since, and another attempt may help.
      throw new TrainerException(
          ExitReason.INTERNAL, "checkpoint " + found.folder() + ": " + e.getMessage(), e);
    }
    observer.resumed(found.manifest().history());
    if (state.attribution() != null) {
      observer.attributed(state.attribution());
    }
    LOG.info("resumed after step {} from {}", state.steps(), found.folder());
  }

  @Override
  public void stepDone(TrainingState state, boolean keep) {
    boolean asked = preemption.asked();
    boolean due = asked || keep || state.steps() % Math.max(1, training.saveSteps()) == 0;
    if (due && training.saveSteps() > 0) {
      save(state);
    }
    if (asked) {
      int totalSteps = journal.history().last().totalSteps();
      throw preemption.stopped("after step %d of %d".formatted(state.steps(), totalSteps));
    }
  }

  private void save(TrainingState state) {
    TrainingHistory history = journal.history();
    long start = System.nanoTime();
    try {
      store.save(
          state,
          new CheckpointManifest(
              origin,
              state.steps(),
              state.position(),
              state.validation(),
              history,
              state.attribution()));
      preemption.kept(state.steps());
      store.prune(state.steps(), training.saveTotalLimit());
      LOG.debug(
          "the checkpoint of step {} took {} ms",
          state.steps(),
          TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start));
    } catch (IOException | UncheckedIOException | TrainerException e) {
      LOG.warn(
          "the checkpoint of step {} cannot be written, and the run goes on: {}",
          state.steps(),
          e.getMessage());
    }
  }
}
