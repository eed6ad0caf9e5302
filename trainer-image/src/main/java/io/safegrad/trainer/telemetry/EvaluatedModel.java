package io.safegrad.trainer.telemetry;

/** The two models that a run measures. */
public enum EvaluatedModel {
  /** The model before training. */
  START,
  /** The model with what was trained. */
  TUNED;

  /** The value of the Prometheus label {@code model}. */
  String label() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }
}
