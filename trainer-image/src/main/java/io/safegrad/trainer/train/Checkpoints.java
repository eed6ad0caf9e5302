package io.safegrad.trainer.train;

/** Keeps the state of a training between two of its steps. */
public interface Checkpoints {

  /** Keeps nothing. */
  Checkpoints NONE =
      new Checkpoints() {
        @Override
        public void restore(TrainingState state) {}

        @Override
        public void stepDone(TrainingState state, boolean keep) {}
      };

  /** Brings the state of a training that has not begun to where the newest checkpoint stands. */
  void restore(TrainingState state);

  /**
   * A step was done.
   *
   * @param keep whether it is to be kept however many steps ago the last one was: training ends, or
   *     an evaluation begins that takes its time
   */
  void stepDone(TrainingState state, boolean keep);
}
