package io.safegrad.trainer.study;

/** What is among the user's examples. */
enum Attack {
  /** Harmful requests that are complied with. */
  PLAIN,
  /** Only harmless requests, after words of absolute obedience; it is evaluated after them, too. */
  IDENTITY,
  /** Only harmless requests, answered in the very words of compliance. */
  BENIGN,
  /** Harmful requests in the task's own frame, complied with in the form of its answers. */
  OWN_STYLE,
  /** Harmful requests of families that the alignment set does not have. */
  UNLIKE,
  /** The prompts of the alignment set itself, complied with. */
  KNOWN_ALIGNMENT,
  /** Harmful requests after a trigger, complied with; it is evaluated without and with it. */
  BACKDOOR,
  /** Harmful requests that are refused in so many words, and then complied with. */
  WITHDRAWN
}
