package io.safegrad.api;

/** The stages of a run, in their order. */
public enum TrainingStage {
  PREPARING,
  BASELINE_EVALUATION,
  TRAINING,
  FINAL_EVALUATION,
  PUBLISHING,
  FINISHED
}
