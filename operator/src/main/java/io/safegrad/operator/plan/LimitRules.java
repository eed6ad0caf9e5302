package io.safegrad.operator.plan;

import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import io.safegrad.api.v1alpha1.SafeFineTuneSpec;
import io.safegrad.api.v1alpha1.SafetyPolicySpec.Limits;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.api.v1alpha1.Workspace;
import java.util.Map;
import java.util.Objects;

/**
 * How large a run may be. Its deadline and its resources are a matter of its start: the deadline is
 * kept up to date while it runs, and what a pod has used cannot be taken back.
 */
record LimitRules(SafeFineTuneSpec spec, boolean started, Violations policy) {

  void check(Limits limits) {
    training(limits);
    if (!started && spec.activeDeadlineSeconds() != null) {
      atMost(
          "activeDeadlineSeconds",
          spec.activeDeadlineSeconds(),
          "activeDeadlineSeconds",
          limits.activeDeadlineSeconds());
    }
    if (!started && limits.resources() != null) {
      workspace(limits.resources().get(DemandedSpec.STORAGE));
    }
    ResourceRequirements asked = spec.pod().resources();
    if (!started && limits.resources() != null && asked != null) {
      resources("limits", asked.getLimits(), limits.resources());
      resources("requests", asked.getRequests(), limits.resources());
    }
  }

  private void training(Limits limits) {
    Training training = spec.training();
    if (training.maxSteps() != null) {
      if (limits.maxSteps() == null && limits.maxEpochs() != null) {
        policy.add(
            "spec.training.maxSteps",
            "limits.maxEpochs",
            training.maxSteps(),
            "none expected, and at most " + limits.maxEpochs() + " epochs");
      }
      atMost("training.maxSteps", training.maxSteps(), "maxSteps", limits.maxSteps());
    } else if (limits.maxEpochs() != null) {
      atMost("training.epochs", training.epochs(), "maxEpochs", limits.maxEpochs());
    } else if (limits.maxSteps() != null) {
      policy.add(
          "spec.training.maxSteps",
          "limits.maxSteps",
          "none",
          "at most " + limits.maxSteps() + " expected");
    }
  }

  private void atMost(String field, Number value, String rule, Number most) {
    if (most != null && value.longValue() > most.longValue()) {
      policy.add("spec." + field, "limits." + rule, value, "at most " + most + " expected");
    }
  }

  private void workspace(Quantity most) {
    Workspace workspace = spec.pod().workspace();
    Quantity size = workspace == null ? null : workspace.size();
    if (most != null
        && size != null
        && size.getNumericalAmount().compareTo(most.getNumericalAmount()) > 0) {
      policy.add(
          "spec.pod.workspace.size", "limits.resources", size, "at most " + most + " expected");
    }
  }

  /** A device that the policy does not name is not to be had, whatever it is called. */
  private void resources(String kind, Map<String, Quantity> asked, Map<String, Quantity> most) {
    Objects.requireNonNullElse(asked, Map.<String, Quantity>of())
        .forEach(
            (name, quantity) -> {
              Quantity limit =
                  most.getOrDefault(name, DemandedSpec.isDevice(name) ? new Quantity("0") : null);
              if (limit != null
                  && quantity.getNumericalAmount().compareTo(limit.getNumericalAmount()) > 0) {
                policy.add(
                    "spec.pod.resources.%s.%s".formatted(kind, name),
                    "limits.resources",
                    quantity,
                    "at most " + limit + " expected");
              }
            });
  }
}
