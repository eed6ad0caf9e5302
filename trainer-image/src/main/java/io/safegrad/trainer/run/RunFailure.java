package io.safegrad.trainer.run;

import ai.djl.engine.EngineException;
import io.safegrad.api.ExitReason;
import io.safegrad.api.ManifestException;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.util.Locale;

/**
 * What a failure means to the user. Every throwable that ends a run passes here, and only here
 * becomes an exit code.
 *
 * @param reason the exit code
 * @param message one sentence, on one line
 */
record RunFailure(ExitReason reason, String message) {

  /** As Linux, libtorch on a CPU and libtorch on a GPU say it. */
  private static final String[] OUT_OF_MEMORY = {
    "out of memory", "cannot allocate memory", "can't allocate memory", "not enough memory"
  };

  private static final String[] DISK_FULL = {"no space left on device", "disk quota exceeded"};

  RunFailure {
    message = message.replaceAll("\\s*[\\r\\n]+\\s*", " ").strip();
  }

  static RunFailure of(Throwable thrown) {
    for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
      if (cause instanceof TrainerException known) {
        return new RunFailure(known.reason(), known.getMessage());
      }
      if (cause instanceof ManifestException manifest) {
        return new RunFailure(ExitReason.BAD_PLAN, manifest.getMessage());
      }
      if (cause instanceof OutOfMemoryError
          || cause instanceof EngineException && says(cause, OUT_OF_MEMORY)) {
        return new RunFailure(
            ExitReason.OUT_OF_MEMORY,
            "out of memory (%s): expected more of it, or a smaller training.batchSize or maxLength"
                .formatted(firstLine(cause)));
      }
      if (cause instanceof IOException && says(cause, DISK_FULL)) {
        String where =
            cause instanceof FileSystemException file && file.getFile() != null
                ? file.getFile() + ": "
                : "";
        return new RunFailure(
            ExitReason.INTERNAL, where + "the disk is full: expected free space there");
      }
    }
    // The exception's own text is not shown: it may quote an example.
    return new RunFailure(
        ExitReason.INTERNAL,
        "unexpected %s%s; run again with --debug for the whole trace"
            .formatted(thrown.getClass().getSimpleName(), place(thrown)));
  }

  private static String place(Throwable thrown) {
    StackTraceElement[] trace = thrown.getStackTrace();
    return trace.length == 0 ? "" : " at " + trace[0];
  }

  private static boolean says(Throwable cause, String[] phrases) {
    String message = cause.getMessage() == null ? "" : cause.getMessage().toLowerCase(Locale.ROOT);
    for (String phrase : phrases) {
      if (message.contains(phrase)) {
        return true;
      }
    }
    return false;
  }

  private static String firstLine(Throwable cause) {
    return cause.getMessage() == null
        ? "no message"
        : cause.getMessage().lines().findFirst().orElse("no message");
  }
}
