package io.safegrad.trainer;

import io.safegrad.trainer.command.TrainerCommand;

/** The program {@code safegrad-trainer}. */
public final class Main {

  private Main() {}

  /** Exits with a code of {@link io.safegrad.api.ExitReason}. */
  public static void main(String[] args) {
    System.exit(TrainerCommand.execute(args));
  }
}
