package io.safegrad.trainer.bench;

import io.safegrad.api.v1alpha1.Method;

/** What is compared: one training step on rows of 128 tokens. */
enum BenchCase {
  SFT_LABELS_ON_HALF("SFT, labels on half", Method.Name.Sft, 0, 0, Labels.HALF),
  SFT_LABELS_ON_ALL("SFT, labels on all", Method.Name.Sft, 0, 0, Labels.ALL),
  SAFEGRAD_EQUAL_BATCHES("SafeGrad, 4 + 4 rows", Method.Name.SafeGrad, 4, 8, Labels.HALF),
  SAFEGRAD_ONE_ALIGNMENT_ROW("SafeGrad, 4 + 1 rows", Method.Name.SafeGrad, 1, 8, Labels.HALF),
  /** As in every step after the alignment set's first round: what the start model says is known. */
  SAFEGRAD_KNOWN_ALIGNMENT_ROW(
      "SafeGrad, 4 + 1 rows, after the first round", Method.Name.SafeGrad, 1, 1, Labels.HALF);

  static final int USER_ROWS = 4;
  static final int LENGTH = 128;

  /** The positions that are trained on. */
  enum Labels {
    HALF,
    ALL
  }

  final String title;
  final Method.Name method;
  final int alignmentRows;
  final int alignmentExamples;
  final Labels labels;

  /**
   * @param alignmentRows of a step
   * @param alignmentExamples of the alignment set
   */
  BenchCase(
      String title, Method.Name method, int alignmentRows, int alignmentExamples, Labels labels) {
    this.title = title;
    this.method = method;
    this.alignmentRows = alignmentRows;
    this.alignmentExamples = alignmentExamples;
    this.labels = labels;
  }
}
