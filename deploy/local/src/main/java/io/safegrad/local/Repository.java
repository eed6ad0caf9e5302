package io.safegrad.local;

import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The checkout that this program runs from, built.
 *
 * @param root the folder that has {@code mvnw}
 */
record Repository(Path root) {

  /** The image of runs that name none, as the operator knows it. */
  static final String TRAINER_IMAGE = "ghcr.io/safegrad/trainer:0.1.0";

  /** The operator's image, as the Helm chart knows it. */
  static final String OPERATOR_IMAGE = "ghcr.io/safegrad/operator:0.1.0";

  Repository {
    root = root.toAbsolutePath().normalize();
  }

  /** The operator's program. */
  Path operator() {
    return built("operator/target/quarkus-app/quarkus-run.jar");
  }

  /** What the operator may do. */
  Path operatorRole() {
    return built("deploy/helm/files/clusterrole.yaml");
  }

  /** What makes the API server itself refuse ways around a SafetyPolicy. */
  Path admission() {
    return built("deploy/helm/files/admission");
  }

  /** What stands in for the trainer's image. */
  Path trainer() {
    return built("trainer-image/bin/safegrad-trainer");
  }

  /** A manifest of {@code deploy/examples}. */
  Path example(String name) {
    return built("deploy/examples/" + name);
  }

  private Path built(String path) {
    Path file = root.resolve(path);
    if (!Files.exists(file)) {
      throw new LocalException(
          "%s is missing; build it with: cd %s && ./mvnw -DskipTests package"
              .formatted(file, root));
    }
    return file;
  }
}
