package io.safegrad.operator.admission;

import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.safegrad.api.Manifest;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafetyPolicy;
import io.safegrad.operator.observe.Sentence;
import io.safegrad.operator.plan.PolicyCheck;
import io.safegrad.operator.plan.PolicyScope;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** Tries, by dry run, to write what must be refused. */
final class AdmissionProbe {

  /** Asks for the least there is, so that every policy that demands anything is violated. */
  private static final String WEAKEST =
      """
      apiVersion: safegrad.io/v1alpha1
      kind: SafeFineTune
      metadata: {name: safegrad-admission-probe, namespace: default}
      spec:
        model: {source: "file:///safegrad-admission-probe"}
        dataset: {source: "file:///safegrad-admission-probe"}
        method: {name: Sft, alignmentWeight: 0}
        training: {maxSteps: 10000000}
        safety:
          alignment: {source: "file:///safegrad-admission-probe"}
          evaluation:
            harmful: "file:///safegrad-admission-probe"
            harmless: "file:///safegrad-admission-probe"
            maxNewTokens: 1
          gate: {minRefusalRate: 0, maxRefusalDrop: 1, maxOverRefusal: 1}
        output: {destination: "file:///safegrad-admission-probe"}
        pod:
          image: safegrad.invalid/admission-probe
          resources:
            limits: {safegrad.io/admission-probe: 1, cpu: 1000000, memory: 1000000Gi}
        suspend: true
        activeDeadlineSeconds: 2147483647
      """;

  private static final String NAME = "safegrad-admission-probe";
  private static final String PROBE_LABEL = "safegrad.io/admission-probe";

  private AdmissionProbe() {}

  /** Asks for less than a policy demands, in a namespace that the policy selects. */
  static AdmissionFinding ofSafetyPolicies(KubernetesClient client) {
    SafeFineTune probe = Manifest.read(WEAKEST);
    Optional<Namespace> place = violated(client, probe);
    if (place.isEmpty()) {
      return new AdmissionFinding(
          AdmissionCheck.SAFETY_POLICY,
          true,
          "installed and bound; no SafetyPolicy demands anything of any namespace, so there is"
              + " nothing to try");
    }
    probe.getMetadata().setNamespace(place.get().getMetadata().getName());
    return refused(client, probe, AdmissionCheck.SAFETY_POLICY);
  }

  /** Writes an object in the operator's name that even the operator may not write. */
  static AdmissionFinding ofTrainerObjects(KubernetesClient client) {
    return refused(
        client,
        new ConfigMapBuilder()
            .withNewMetadata()
            .withName(NAME)
            .withNamespace("default")
            .withLabels(Map.of("safegrad.io/safefinetune", NAME, PROBE_LABEL, "true"))
            .endMetadata()
            .build(),
        AdmissionCheck.TRAINER_OBJECTS);
  }

  /** A namespace in which a policy forbids the probe. */
  private static Optional<Namespace> violated(KubernetesClient client, SafeFineTune probe) {
    List<SafetyPolicy> policies =
        client.resources(SafetyPolicy.class).list().getItems().stream()
            .filter(one -> !PolicyCheck.ofSpec(probe.getSpec(), List.of(one)).isEmpty())
            .toList();
    return policies.isEmpty()
        ? Optional.empty()
        : client.namespaces().list().getItems().stream()
            .filter(namespace -> namespace.getMetadata().getDeletionTimestamp() == null)
            .filter(
                namespace ->
                    policies.stream().anyMatch(one -> PolicyScope.selects(one, labels(namespace))))
            .findFirst();
  }

  private static Map<String, String> labels(Namespace namespace) {
    return Objects.requireNonNullElse(namespace.getMetadata().getLabels(), Map.of());
  }

  private static AdmissionFinding refused(
      KubernetesClient client, HasMetadata probe, String policy) {
    try {
      client.resource(probe).dryRun().create();
      return new AdmissionFinding(
          policy, false, "installed and bound, but what it forbids was taken (in a dry run)");
    } catch (KubernetesClientException e) {
      String told = Objects.toString(e.getMessage(), "");
      return told.contains("ValidatingAdmissionPolicy '" + policy + "'")
          ? new AdmissionFinding(policy, true, "what it forbids is refused")
          : new AdmissionFinding(
              policy,
              false,
              "what it forbids was refused, but by something else: " + Sentence.of(told));
    }
  }
}
