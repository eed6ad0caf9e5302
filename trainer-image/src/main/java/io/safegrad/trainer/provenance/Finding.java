package io.safegrad.trainer.provenance;

/**
 * One thing that was checked.
 *
 * @param what a file, or a part of one
 * @param message what was found, and where it is wrong what was expected
 */
public record Finding(Status status, String what, String message) {

  /** How a check ended. */
  public enum Status {
    OK,
    /** Nothing is wrong, and there is something to know. */
    NOTE,
    WRONG
  }

  static Finding ok(String what, String message) {
    return new Finding(Status.OK, what, message);
  }

  static Finding note(String what, String message) {
    return new Finding(Status.NOTE, what, message);
  }

  static Finding wrong(String what, String message) {
    return new Finding(Status.WRONG, what, message);
  }
}
