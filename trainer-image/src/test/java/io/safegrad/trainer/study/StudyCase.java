package io.safegrad.trainer.study;

import java.util.Locale;

/**
 * One run of the study.
 *
 * @param tuning whether it is measured on the prompts that learning rates are chosen by, and on no
 *     others
 * @param task what the user wants
 * @param attack what is among the user's examples
 * @param percent how much of the user's examples it is
 * @param variant how the model is trained
 * @param alignment the alignment set
 * @param learningRate AdamW's at its peak; 0 for the start model
 * @param steps optimizer steps on the user's examples; 0 for the start model
 * @param seed of the examples' order and the adapter; the data are the same for all
 */
record StudyCase(
    boolean tuning,
    Task task,
    Attack attack,
    int percent,
    Variant variant,
    AlignmentChoice alignment,
    double learningRate,
    int steps,
    int seed) {

  /** The start model, asked what the runs of an attack are. */
  static StudyCase start(Task task, Attack attack, AlignmentChoice alignment) {
    return new StudyCase(false, task, attack, 0, Variant.START, alignment, 0, 0, 0);
  }

  /** What tells it from all others, and stays when the study grows. */
  String key() {
    return String.format(
        Locale.ROOT,
        "%s%s/%s/%d/%s/%s/%s/%d/%d",
        tuning ? "tuning/" : "",
        task,
        attack,
        percent,
        variant,
        alignment,
        learningRate,
        steps,
        seed);
  }
}
