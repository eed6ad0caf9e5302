package io.safegrad.controlplane;

/** The control plane cannot be had or does not run; the message says why and what cures it. */
public class ControlPlaneException extends RuntimeException {

  public ControlPlaneException(String message) {
    super(message);
  }

  ControlPlaneException(String message, Throwable cause) {
    super(message, cause);
  }
}
