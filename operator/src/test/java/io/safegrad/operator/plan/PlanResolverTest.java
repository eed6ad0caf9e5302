package io.safegrad.operator.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirementsBuilder;
import io.safegrad.api.TrainingPlan;
import io.safegrad.api.v1alpha1.Pod;
import io.safegrad.api.v1alpha1.PodBuilder;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafeFineTuneSpecBuilder;
import io.safegrad.api.v1alpha1.Workspace;
import io.safegrad.operator.Examples;
import org.junit.jupiter.api.Test;

class PlanResolverTest {

  @Test
  void theSameResourceGivesTheSamePlan() {
    TrainingPlan plan = PlanResolver.resolve(Examples.resource());
    assertThat(PlanResolver.resolve(Examples.resource())).isEqualTo(plan);
    assertThat(plan.run()).isEqualTo("team-a/support-bot");
    assertThat(PlanResolver.resolve(Examples.resource("training: {epochs: 2}")).digest())
        .isNotEqualTo(plan.digest());
  }

  @Test
  void aNameThatNoLabelCanCarryIsRefused() {
    SafeFineTune resource = Examples.resource();
    resource.getMetadata().setName("x".repeat(64));
    assertThatThrownBy(() -> PlanResolver.resolve(resource))
        .isInstanceOf(PlanException.class)
        .hasMessage(
            "metadata.name has 64 characters; at most 63 expected, because the Job and the labels"
                + " of its pods carry it");
  }

  /** A CRD of an earlier version takes any text. */
  @Test
  void whatIsNoQuantityIsNamedWithItsField() {
    Pod memory =
        PodBuilder.builder(Examples.resource().getSpec().pod())
            .resources(
                new ResourceRequirementsBuilder()
                    .addToLimits("memory", new Quantity("eight"))
                    .build())
            .build();
    assertThatThrownBy(() -> PlanResolver.resolve(resource(memory)))
        .isInstanceOf(PlanException.class)
        .hasMessage(
            "spec.pod.resources.limits.memory: found eight, expected a quantity, for example 2,"
                + " 500m or 8Gi");
    Pod workspace =
        PodBuilder.builder(Examples.resource().getSpec().pod())
            .workspace(new Workspace(new Quantity("50 GiB"), null))
            .build();
    assertThatThrownBy(() -> PlanResolver.resolve(resource(workspace)))
        .isInstanceOf(PlanException.class)
        .hasMessageStartingWith("spec.pod.workspace.size: found 50");
  }

  private static SafeFineTune resource(Pod pod) {
    SafeFineTune resource = Examples.resource();
    resource.setSpec(SafeFineTuneSpecBuilder.builder(resource.getSpec()).pod(pod).build());
    return resource;
  }
}
