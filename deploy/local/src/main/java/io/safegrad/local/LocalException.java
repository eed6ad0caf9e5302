package io.safegrad.local;

/** Something on this machine is missing or does not start; the message names what cures it. */
class LocalException extends RuntimeException {

  LocalException(String message) {
    super(message);
  }
}
