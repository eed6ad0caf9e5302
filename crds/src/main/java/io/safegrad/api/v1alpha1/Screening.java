package io.safegrad.api.v1alpha1;

/** What becomes of examples that the start model refuses; the strictest stands first. */
public enum Screening {
  /** They are left out, and their prompts join the alignment set of a method that reads one. */
  LeaveOut,
  /** The start model is not asked. */
  None
}
