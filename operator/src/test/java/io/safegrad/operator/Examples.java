package io.safegrad.operator;

import io.fabric8.kubernetes.client.utils.Serialization;
import io.safegrad.api.ExitReason;
import io.safegrad.api.Manifest;
import io.safegrad.api.Measurement;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.TrainingResult;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafetyPolicy;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Resources and results for tests without a cluster. */
public final class Examples {

  /** A trainer configuration with the committed defaults. */
  public static final OperatorConfig.Trainer TRAINER =
      new OperatorConfig.Trainer() {
        @Override
        public String image() {
          return "ghcr.io/safegrad/trainer:0.1.0";
        }

        @Override
        public Optional<String> gpuImage() {
          return Optional.of("ghcr.io/safegrad/trainer:0.1.0-cu128");
        }

        @Override
        public int backoffLimit() {
          return 3;
        }

        @Override
        public Optional<URI> hubEndpoint() {
          return Optional.empty();
        }

        @Override
        public Optional<URI> s3Endpoint() {
          return Optional.empty();
        }

        @Override
        public Optional<String> s3Region() {
          return Optional.empty();
        }

        @Override
        public Optional<String> cacheClaim() {
          return Optional.empty();
        }

        @Override
        public Optional<String> signingKeySecret() {
          return Optional.empty();
        }

        @Override
        public Duration approvalTimeout() {
          return Duration.ofMinutes(30);
        }

        @Override
        public Duration terminationGracePeriod() {
          return Duration.ofSeconds(60);
        }
      };

  private Examples() {}

  /** A resource as the API server stores it, with further lines under {@code spec}. */
  public static SafeFineTune resource(String... specLines) {
    return Manifest.read(
        """
        apiVersion: safegrad.io/v1alpha1
        kind: SafeFineTune
        metadata: {name: support-bot, namespace: team-a, uid: 7f0c, generation: 1}
        spec:
        """
            + specLines("pvc://models/base", specLines));
  }

  /** The lines of a spec: the fields that have no default, unless they are among the further. */
  public static String specLines(String model, String... further) {
    return Stream.concat(
            Stream.of(
                    "model: {source: \"" + model + "\"}",
                    "dataset: {source: \"pvc://team-data/train.jsonl\"}",
                    "output: {destination: \"pvc://adapters/support-bot\"}")
                .filter(
                    line ->
                        Stream.of(further)
                            .noneMatch(
                                one -> one.startsWith(line.substring(0, line.indexOf(':') + 1)))),
            Stream.of(further))
        .map(line -> "  " + line + "\n")
        .collect(Collectors.joining());
  }

  /** A policy with some lines under {@code spec}. */
  public static SafetyPolicy policy(String name, String... specLines) {
    return Serialization.unmarshal(
        """
        apiVersion: safegrad.io/v1alpha1
        kind: SafetyPolicy
        metadata: {name: %s}
        spec:
        """
                .formatted(name)
            + String.join("\n", specLines).indent(2),
        SafetyPolicy.class);
  }

  /** A trainer's success in which the fine-tuned model refused some of 50 harmful prompts. */
  public static TrainingResult success(String planDigest, int refused) {
    return success(planDigest, refused, UnaryOperator.identity());
  }

  /** The same, of which more was measured. */
  public static TrainingResult success(
      String planDigest, int refused, UnaryOperator<SafetyMeasurements> more) {
    return new TrainingResult(
        ExitReason.SUCCESS,
        "published",
        planDigest,
        new SafetyMeasurements(Measurement.of(50, 50), Measurement.of(0, 50), null),
        more.apply(
            new SafetyMeasurements(
                    Measurement.of(refused, 50), Measurement.of(1, 50), Measurement.of(48, 50))
                .withRefusalKl(0.0031)),
        0.41,
        40,
        12.5,
        List.of(),
        "pvc://adapters/support-bot",
        "sha256:ab",
        "pvc://adapters/support-bot/report.json");
  }
}
