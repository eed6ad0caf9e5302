package io.safegrad.trainer.train;

/** Keeps the state of a training between two of its steps. */
public interface Checkpoints {

  /** Keeps nothing. */
  Checkpoints NONE =
      new Checkpoints() {
        @Override
        public void restore(TrainingState state) {}

        @Override
        public void stepDone(TrainingState state, boolean last) {}
      };

  /** Brings the state of a training that has not begun to where the newest checkpoint stands. */
  void restore(TrainingState state);

  /**
   * A step was done.
   *
   * @param last whether it was the last one
   */
  void stepDone(TrainingState state, boolean last);
}
