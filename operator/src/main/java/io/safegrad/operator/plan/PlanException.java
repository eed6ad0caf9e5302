package io.safegrad.operator.plan;

/**
 * A resource no plan can be made of. The message names the field, what was found and what was
 * expected; only an edit of the resource helps.
 */
public class PlanException extends RuntimeException {

  public PlanException(String message) {
    super(message);
  }
}
