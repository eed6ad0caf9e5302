package io.safegrad.operator.admission;

import io.fabric8.kubernetes.api.model.LabelSelector;
import io.fabric8.kubernetes.api.model.admissionregistration.v1.ValidatingAdmissionPolicy;
import io.fabric8.kubernetes.api.model.admissionregistration.v1.ValidatingAdmissionPolicyBinding;
import io.fabric8.kubernetes.api.model.admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.safegrad.operator.observe.Sentence;
import io.safegrad.operator.status.Trouble;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Asks the API server whether admission is in force: whether each policy is there, whole, bound to
 * everything, and whether it really refuses what it should.
 */
public final class AdmissionCheck {

  static final String SAFETY_POLICY = "safegrad-safety-policy";
  static final String TRAINER_OBJECTS = "safegrad-trainer-objects";
  static final String QUARANTINE = "safegrad-quarantine";

  /** The names of the policies and of their bindings. */
  public static final List<String> POLICIES = List.of(SAFETY_POLICY, TRAINER_OBJECTS, QUARANTINE);

  private static final String CURE =
      "; expected it as the Helm chart and deploy/install.yaml install it";

  private AdmissionCheck() {}

  /**
   * How each policy stands, in a fixed order.
   *
   * @throws KubernetesClientException when the API server is away
   */
  static List<AdmissionFinding> check(KubernetesClient client) {
    List<AdmissionFinding> findings = new ArrayList<>();
    for (String policy : POLICIES) {
      findings.add(check(client, policy));
    }
    return List.copyOf(findings);
  }

  private static AdmissionFinding check(KubernetesClient client, String policy) {
    try {
      Optional<String> fault = fault(client, policy);
      if (fault.isPresent()) {
        return new AdmissionFinding(policy, false, fault.get() + CURE);
      }
      return switch (policy) {
        case SAFETY_POLICY -> AdmissionProbe.ofSafetyPolicies(client);
        case TRAINER_OBJECTS -> AdmissionProbe.ofTrainerObjects(client);
        default -> new AdmissionFinding(policy, true, "installed and bound");
      };
    } catch (KubernetesClientException e) {
      if (Trouble.isUnreachable(e)) {
        throw e;
      }
      return new AdmissionFinding(
          policy, false, "the API server cannot be asked: " + Sentence.of(e.getMessage()));
    }
  }

  /** What keeps a policy from being asked about every object; empty when nothing does. */
  private static Optional<String> fault(KubernetesClient client, String name) {
    ValidatingAdmissionPolicy policy =
        client.admissionRegistration().v1().validatingAdmissionPolicies().withName(name).get();
    if (policy == null) {
      return Optional.of("there is no ValidatingAdmissionPolicy of this name");
    }
    ValidatingAdmissionPolicyBinding binding =
        client
            .admissionRegistration()
            .v1()
            .validatingAdmissionPolicyBindings()
            .withName(name)
            .get();
    if (binding == null) {
      return Optional.of("there is no ValidatingAdmissionPolicyBinding of this name");
    }
    return faultOf(policy).or(() -> faultOf(binding, name));
  }

  static Optional<String> faultOf(ValidatingAdmissionPolicy policy) {
    if (!"Fail".equals(policy.getSpec().getFailurePolicy())) {
      return Optional.of("its failurePolicy is " + policy.getSpec().getFailurePolicy());
    }
    if (policy.getStatus() != null
        && policy.getStatus().getTypeChecking() != null
        && !policy.getStatus().getTypeChecking().getExpressionWarnings().isEmpty()) {
      return Optional.of(
          "the API server warns of its expression "
              + policy.getStatus().getTypeChecking().getExpressionWarnings().get(0).getFieldRef());
    }
    return Optional.empty();
  }

  static Optional<String> faultOf(ValidatingAdmissionPolicyBinding binding, String policy) {
    ValidatingAdmissionPolicyBindingSpec spec = binding.getSpec();
    if (!policy.equals(spec.getPolicyName())) {
      return Optional.of("its binding is of the policy " + spec.getPolicyName());
    }
    if (!spec.getValidationActions().contains("Deny")) {
      return Optional.of("its binding does not deny");
    }
    if (spec.getMatchResources() != null) {
      return Optional.of("its binding leaves something out (matchResources)");
    }
    boolean needsParameters = !policy.equals(TRAINER_OBJECTS);
    if (needsParameters
        && (spec.getParamRef() == null
            || spec.getParamRef().getName() != null
            || !isEmpty(spec.getParamRef().getSelector()))) {
      return Optional.of("its binding does not take every SafetyPolicy (paramRef)");
    }
    return Optional.empty();
  }

  private static boolean isEmpty(LabelSelector selector) {
    return selector != null
        && (selector.getMatchLabels() == null || selector.getMatchLabels().isEmpty())
        && (selector.getMatchExpressions() == null || selector.getMatchExpressions().isEmpty());
  }
}
