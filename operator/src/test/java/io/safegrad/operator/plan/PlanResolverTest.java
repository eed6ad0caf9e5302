package io.safegrad.operator.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.safegrad.api.TrainingPlan;
import io.safegrad.api.v1alpha1.SafeFineTune;
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

  @Test
  void whatIsNoQuantityIsNamedWithItsField() {
    assertThatThrownBy(
            () ->
                PlanResolver.resolve(
                    Examples.resource("pod: {resources: {limits: {memory: \"eight\"}}}")))
        .isInstanceOf(PlanException.class)
        .hasMessage(
            "spec.pod.resources.limits.memory: found eight, expected a quantity, for example 2,"
                + " 500m or 8Gi");
    assertThatThrownBy(
            () -> PlanResolver.resolve(Examples.resource("pod: {workspace: {size: \"50 GiB\"}}")))
        .isInstanceOf(PlanException.class)
        .hasMessageStartingWith("spec.pod.workspace.size: found 50");
  }
}
