package io.safegrad.operator.dependent;

import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.EnvVarBuilder;
import io.safegrad.api.v1alpha1.Evaluation;
import io.safegrad.api.v1alpha1.Model;
import io.safegrad.api.v1alpha1.SafeFineTuneSpec;
import io.safegrad.api.v1alpha1.SecretReference;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * The Secrets that a run names, as environment variables of its trainer, each part's under its own
 * name. The node reads them; neither the operator nor the plan ever holds what is in them.
 */
final class SecretVariables {

  private static final String S3 = "s3://";
  private static final String TOKEN_KEY = "token";
  private static final String HUB_TOKEN = "HF_TOKEN";
  private static final List<String> S3_KEYS = List.of("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY");
  private static final String S3_SESSION = "AWS_SESSION_TOKEN";

  private final List<EnvVar> variables = new ArrayList<>();

  private SecretVariables() {}

  /**
   * The variables of a run.
   *
   * @param spec with what policies demand: a secret whose source gave way to the platform's is not
   *     needed
   */
  static List<EnvVar> of(SafeFineTuneSpec spec) {
    SecretVariables secrets = new SecretVariables();
    Model model = spec.model();
    if (model.source().startsWith(S3) || model.source().startsWith("https://")) {
      secrets.add("MODEL", model.secretRef(), model.source());
    } else if (model.secretRef() != null) {
      secrets.add(HUB_TOKEN, model.secretRef(), TOKEN_KEY, false);
    }
    secrets.add("DATASET", spec.dataset().secretRef(), spec.dataset().source());
    secrets.add(
        "ALIGNMENT", spec.safety().alignment().secretRef(), spec.safety().alignment().source());
    Evaluation evaluation = spec.safety().evaluation();
    Stream.of(evaluation.harmful(), evaluation.harmless(), evaluation.task())
        .filter(Objects::nonNull)
        .filter(source -> source.startsWith(S3))
        .findFirst()
        .ifPresent(source -> secrets.add("EVALUATION", evaluation.secretRef(), source));
    secrets.add("OUTPUT", spec.output().secretRef(), spec.output().destination());
    return List.copyOf(secrets.variables);
  }

  private void add(String part, SecretReference secret, String source) {
    if (secret == null) {
      return;
    }
    String prefix = "SAFEGRAD_" + part + "_";
    if (!source.startsWith(S3)) {
      add(prefix + "TOKEN", secret, TOKEN_KEY, false);
      return;
    }
    S3_KEYS.forEach(key -> add(prefix + key, secret, key, false));
    add(prefix + S3_SESSION, secret, S3_SESSION, true);
  }

  private void add(String name, SecretReference secret, String key, boolean optional) {
    variables.add(
        new EnvVarBuilder()
            .withName(name)
            .withNewValueFrom()
            .withNewSecretKeyRef(key, secret.name(), optional)
            .endValueFrom()
            .build());
  }
}
