package io.safegrad.trainer.command;

import io.safegrad.trainer.model.Sampling;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options that say how a reply is generated. */
final class SamplingOptions {

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--max-new-tokens",
      paramLabel = "N",
      defaultValue = "256",
      description = "Tokens after which a reply is cut (default: ${DEFAULT-VALUE}).")
  private int maxNewTokens;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      defaultValue = "0",
      description = "0, the default, takes the likeliest token always; 1 draws as the model says.")
  private double temperature;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      defaultValue = "1",
      description = "Draws from the likeliest tokens that make up this share (default: 1).")
  private double topP;

  @Option(
      names = "--seed",
      paramLabel = "SEED",
      defaultValue = "43",
      description = "The same seed draws the same reply (default: ${DEFAULT-VALUE}).")
  private long seed;

  /** The settings, checked. */
  Sampling sampling() {
    try {
      return new Sampling(temperature, topP, seed);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(commandLine(), "--temperature, --top-p: " + e.getMessage());
    }
  }

  /** Most tokens of a reply, checked. */
  int maxNewTokens() {
    if (maxNewTokens < 1) {
      throw new ParameterException(
          commandLine(), "--max-new-tokens: expected at least 1, found " + maxNewTokens);
    }
    return maxNewTokens;
  }

  private CommandLine commandLine() {
    return spec.commandLine();
  }
}
