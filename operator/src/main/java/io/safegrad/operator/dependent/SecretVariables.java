package io.safegrad.operator.dependent;

import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.EnvVarBuilder;
import io.safegrad.api.v1alpha1.Judge;
import io.safegrad.api.v1alpha1.Model;
import io.safegrad.api.v1alpha1.SafeFineTuneSpec;
import io.safegrad.api.v1alpha1.Safety;
import io.safegrad.api.v1alpha1.SecretReference;
import io.safegrad.operator.plan.Address;
import java.util.ArrayList;
import java.util.List;

/**
 * The Secrets that a run names, as environment variables of its trainer, each part's under its own
 * name. The node reads them; neither the operator nor the plan ever holds what is in them.
 */
final class SecretVariables {

  private static final String TOKEN_KEY = "token";
  private static final String JUDGE_TOKEN = "SAFEGRAD_JUDGE_TOKEN";
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
    if (isS3(model.source()) || model.source().startsWith("https://")) {
      secrets.add("MODEL", model.secretRef(), List.of(model.source()));
    } else if (model.secretRef() != null) {
      secrets.add(HUB_TOKEN, model.secretRef(), TOKEN_KEY, false);
    }
    secrets.add("DATASET", spec.dataset().secretRef(), List.of(spec.dataset().source()));
    Safety safety = spec.safety();
    secrets.add("ALIGNMENT", safety.alignment().secretRef(), sources(spec, "safety.alignment."));
    secrets.add("EVALUATION", safety.evaluation().secretRef(), sources(spec, "safety.evaluation."));
    Judge.Endpoint judge = safety.evaluation().judge().endpoint();
    if (judge != null && judge.secretRef() != null) {
      secrets.add(JUDGE_TOKEN, judge.secretRef(), TOKEN_KEY, false);
    }
    secrets.add("OUTPUT", spec.output().secretRef(), List.of(spec.output().destination()));
    return List.copyOf(secrets.variables);
  }

  private static List<String> sources(SafeFineTuneSpec spec, String part) {
    return Address.readBy(spec).stream()
        .filter(address -> address.field().startsWith(part))
        .map(Address::source)
        .toList();
  }

  private void add(String part, SecretReference secret, List<String> sources) {
    if (secret == null) {
      return;
    }
    String prefix = "SAFEGRAD_" + part + "_";
    boolean s3 = sources.stream().anyMatch(SecretVariables::isS3);
    boolean web = sources.stream().anyMatch(it -> it.matches("(https|hf)://.*"));
    // Of a Secret for both, the trainer says what it misses.
    boolean optional = s3 && web;
    if (web) {
      add(prefix + "TOKEN", secret, TOKEN_KEY, optional);
    }
    if (s3) {
      S3_KEYS.forEach(key -> add(prefix + key, secret, key, optional));
      add(prefix + S3_SESSION, secret, S3_SESSION, true);
    }
  }

  private static boolean isS3(String source) {
    return source.startsWith("s3://");
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
