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
public record RunFailure(ExitReason reason, String message) {

  /** As Linux, libtorch on a CPU and libtorch on a GPU say it. */
  private static final String[] OUT_OF_MEMORY = {
    "out of memory", "cannot allocate memory", "can't allocate memory", "not enough memory"
  };

  private static final String[] NOT_LOADED = {
    "failed to load pytorch native library", "failed to load huggingface native library"
  };

  private static final String[] NO_DRIVER = {"libcuda.so"};

  private static final String[] DISK_FULL = {"no space left on device", "disk quota exceeded"};

  public RunFailure {
    message = message.replaceAll("\\s*[\\r\\n]+\\s*", " ").strip();
  }

  /** What a throwable means. */
  public static RunFailure of(Throwable thrown) {
    Throwable root = thrown;
    for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
      root = cause;
      if (says(cause, NOT_LOADED)) {
        return notLoaded(cause);
      }
    }
    for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
      RunFailure known = known(cause);
      if (known != null) {
        return known;
      }
    }
    return root instanceof LinkageError ? notLoaded(root) : unexpected(thrown);
  }

  /** What one throwable says by itself; null when it says nothing. */
  private static RunFailure known(Throwable cause) {
    if (cause instanceof TrainerException trainer) {
      return new RunFailure(trainer.reason(), trainer.getMessage());
    }
    if (cause instanceof ManifestException) {
      return new RunFailure(ExitReason.BAD_PLAN, cause.getMessage());
    }
    if (cause instanceof OutOfMemoryError) {
      return new RunFailure(
          ExitReason.OUT_OF_MEMORY,
          "Java is out of memory (%s): expected a larger heap, for example JAVA_OPTS=-Xmx2g"
              .formatted(firstLine(cause)));
    }
    if (cause instanceof EngineException && says(cause, OUT_OF_MEMORY)) {
      return new RunFailure(
          ExitReason.OUT_OF_MEMORY,
          "libtorch is out of memory (%s): expected more of it, or a smaller training.batchSize or maxLength"
              .formatted(firstLine(cause)));
    }
    if (cause instanceof IOException && says(cause, DISK_FULL)) {
      return new RunFailure(
          ExitReason.INTERNAL, path(cause) + "the disk is full: expected free space there");
    }
    return null;
  }

  private static String path(Throwable cause) {
    return cause instanceof FileSystemException file && file.getFile() != null
        ? file.getFile() + ": "
        : "";
  }

  private static RunFailure notLoaded(Throwable cause) {
    Throwable root = cause;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    String expected =
        says(root, NO_DRIVER)
            ? "NVIDIA's driver, which its container runtime brings into a pod: this libtorch is for GPUs"
            : "memory for it, and a writable DJL_CACHE_DIR with 500 MB of room";
    return new RunFailure(
        ExitReason.INTERNAL,
        "a native library cannot be loaded (%s): expected %s".formatted(firstLine(root), expected));
  }

  /** The exception's own text is not shown: it may quote an example. */
  private static RunFailure unexpected(Throwable thrown) {
    StackTraceElement[] trace = thrown.getStackTrace();
    return new RunFailure(
        ExitReason.INTERNAL,
        "unexpected %s%s; run again with --debug for the whole trace"
            .formatted(
                thrown.getClass().getSimpleName(), trace.length == 0 ? "" : " at " + trace[0]));
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
