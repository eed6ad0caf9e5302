package io.safegrad.monitoring;

/** Something that monitoring's own programs need is not there; the message says what and why. */
public final class MonitoringException extends RuntimeException {

  MonitoringException(String message) {
    super(message);
  }

  MonitoringException(String message, Throwable cause) {
    super(message, cause);
  }
}
