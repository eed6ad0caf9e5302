package io.safegrad.operator;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;

/** What the platform's owner sets; README.md lists the names and the environment variables. */
@ConfigMapping(prefix = "safegrad")
public interface OperatorConfig {

  Trainer trainer();

  Progress progress();

  LeaderElection leaderElection();

  /** The trainer's pod. */
  interface Trainer {

    /** The image of runs that name none. */
    @WithDefault("ghcr.io/safegrad/trainer:0.1.0")
    String image();

    /**
     * The image of runs that name none and whose pod is promised a GPU or the like; {@link #image}
     * when absent.
     */
    Optional<String> gpuImage();

    /** Failed attempts, beyond the first, after which a run has failed for good. */
    @WithDefault("3")
    int backoffLimit();

    /**
     * Root of the hub that {@code hf://} sources come from; the trainer's own choice when absent.
     */
    Optional<URI> hubEndpoint();

    /** Address of the S3 of {@code s3://} addresses; Amazon's when absent. */
    Optional<URI> s3Endpoint();

    /** Region of that S3; the trainer's own choice when absent. */
    Optional<String> s3Region();

    /**
     * Name of the claim, in each namespace that runs are in, that keeps what they download; each
     * pod downloads for itself when absent.
     */
    Optional<String> cacheClaim();

    /**
     * Name of the Secret, in each namespace that runs are in, whose key {@code signing.pem} signs
     * the provenance of runs; provenance is not signed when absent.
     */
    Optional<String> signingKeySecret();

    /**
     * How long a run whose gate held waits for the operator's leave to publish; 0 for runs that
     * publish without. Unanswered, it publishes nothing and is retried.
     */
    @WithDefault("30m")
    Duration approvalTimeout();

    /** Time between the request to stop and the kill. */
    @WithDefault("60s")
    Duration terminationGracePeriod();
  }

  /** How a running trainer is followed. */
  interface Progress {

    /** Time between two questions to one trainer; also the longest wait for an answer. */
    @WithDefault("2s")
    Duration pollInterval();

    /** Least time between two status writes that bring new figures only. */
    @WithDefault("10s")
    Duration statusInterval();
  }

  /** Several operators, of which one acts. */
  interface LeaderElection {

    /** Whether there may be several. */
    @WithDefault("false")
    boolean enabled();

    /** Name of the lease, in the operator's namespace, that the one that acts holds. */
    @WithDefault("safegrad-operator")
    String lease();
  }
}
