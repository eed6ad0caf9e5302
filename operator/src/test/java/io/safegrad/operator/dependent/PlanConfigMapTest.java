package io.safegrad.operator.dependent;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.safegrad.api.TrainingPlan;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.operator.Examples;
import io.safegrad.operator.plan.PlanException;
import io.safegrad.operator.plan.PlanResolver;
import org.junit.jupiter.api.Test;

class PlanConfigMapTest {

  @Test
  void aPlanThatNoConfigMapCanCarryIsRefusedBeforeItsRunStarts() {
    assertThatCode(() -> PlanConfigMap.check(PlanResolver.resolve(Examples.resource())))
        .doesNotThrowAnyException();
    SafeFineTune huge = Examples.resource();
    huge.getMetadata().setNamespace("n".repeat(1_000_000));
    TrainingPlan plan = PlanResolver.resolve(huge);
    assertThatThrownBy(() -> PlanConfigMap.check(plan))
        .isInstanceOf(PlanException.class)
        .hasMessageContaining("at most 1000000 expected");
  }
}
