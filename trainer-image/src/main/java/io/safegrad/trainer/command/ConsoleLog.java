package io.safegrad.trainer.command;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.Logger;

/** Logging to the standard error, a line for each event. */
final class ConsoleLog {

  private static final String RESOURCE = "/logging.properties";

  /** Held, because the logging library forgets the level of a logger that nobody holds. */
  private static final Logger SAFEGRAD = Logger.getLogger("io.safegrad");

  private ConsoleLog() {}

  /**
   * @param debug whether events for developers are logged, stack traces among them
   */
  static void configure(boolean debug) {
    try (InputStream properties = ConsoleLog.class.getResourceAsStream(RESOURCE)) {
      LogManager.getLogManager().readConfiguration(properties);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    SAFEGRAD.setLevel(debug ? Level.FINE : Level.INFO);
  }
}
