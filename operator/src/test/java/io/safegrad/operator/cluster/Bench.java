package io.safegrad.operator.cluster;

/** What all programs here that measure have in common. */
final class Bench {

  private static final int FAILURE = 1;

  private Bench() {}

  /** Called first: clients of the control plane would otherwise keep a failed program alive. */
  static void endsWhenItFails() {
    Thread.currentThread()
        .setUncaughtExceptionHandler(
            (thread, failure) -> {
              failure.printStackTrace();
              System.exit(FAILURE);
            });
  }
}
