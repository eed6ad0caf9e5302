package io.safegrad.api.v1alpha1;

/** What becomes of examples that the start model refuses; the strictest stands first. */
public enum Screening {
  /** They are left out; a method with an alignment weight aligns the model by their prompts. */
  LeaveOut,
  /** The start model is not asked. */
  None
}
