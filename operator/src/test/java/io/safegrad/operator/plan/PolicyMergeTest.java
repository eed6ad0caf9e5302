package io.safegrad.operator.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.safegrad.api.TrainingPlan;
import io.safegrad.api.v1alpha1.Gate;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafeFineTuneSpec;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.PolicyValue;
import io.safegrad.api.v1alpha1.SafetyPolicy;
import io.safegrad.operator.Examples;
import io.safegrad.operator.WeakSpecs;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which policies hold in a namespace, and what several of them come to. */
class PolicyMergeTest {

  @Test
  void ofSeveralPoliciesTheStrictestOfEachFieldWins() {
    SafetyPolicy one =
        Examples.policy(
            "one",
            "gate: {minRefusalRate: 0.95, maxDataRefusalDrop: 0.3, maxTemplateRefusalDrop: 0.2}",
            "limits: {activeDeadlineSeconds: 60}");
    SafetyPolicy two =
        Examples.policy(
            "two",
            "requiredMethod: WeightedSum",
            "gate: {minRefusalRate: 0.92, maxRefusalDrop: 0.01, maxDataRefusalDrop: 0.1, compare: ConfidenceBound}",
            "limits: {activeDeadlineSeconds: 90}");
    List<PolicyValue> values = PolicyMerge.strictest(List.of(two, one));
    assertThat(values)
        .containsExactly(
            new PolicyValue("requiredMethod", "WeightedSum", "two"),
            new PolicyValue("maxAlignmentRefreshSteps", "1", "two"),
            new PolicyValue("gate.minRefusalRate", "0.95", "one"),
            new PolicyValue("gate.maxRefusalDrop", "0.01", "two"),
            new PolicyValue("gate.maxDataRefusalDrop", "0.1", "two"),
            new PolicyValue("gate.maxTemplateRefusalDrop", "0.2", "one"),
            new PolicyValue("gate.compare", "ConfidenceBound", "two"),
            new PolicyValue("limits.activeDeadlineSeconds", "60", "one"));
    SafeFineTuneSpec spec = Examples.resource("safety: {gate: {maxRefusalDrop: 0.005}}").getSpec();
    SafeFineTuneSpec strict =
        Examples.resource("safety: {gate: {maxDataRefusalDrop: 0.05}}").getSpec();
    assertThat(DemandedSpec.of(strict, values).safety().gate().maxDataRefusalDrop())
        .isEqualTo(0.05);
    assertThat(DemandedSpec.of(spec, values).safety().gate())
        .isEqualTo(new Gate(0.95, 0.005, 0.1, null, 0.1, 0.2, 0.4, Gate.Compare.ConfidenceBound));
    assertThat(PolicyMerge.deadline(spec, List.of(one, two))).isEqualTo(60);
    assertThat(PolicyMerge.deadline(spec, List.of())).isNull();
  }

  @Test
  void thePlanHoldsThePlatformsDataAndTheStricterGate() {
    SafeFineTune resource = Examples.resource();
    List<PolicyValue> values =
        PolicyMerge.strictest(List.of(Examples.policy("strict", WeakSpecs.POLICY)));
    TrainingPlan plan = TrainingPlan.of(resource, DemandedSpec.of(resource.getSpec(), values));
    assertThat(plan.safety().alignment().source()).isEqualTo("pvc://platform/alignment.jsonl");
    assertThat(plan.safety().evaluation().harmful()).isEqualTo("pvc://platform/harmful.jsonl");
    assertThat(plan.safety().evaluation().maxNewTokens()).isEqualTo(64);
    assertThat(plan.safety().gate())
        .isEqualTo(new Gate(0.95, 0.01, 0.05, 0.05, 0.1, 0.1, 0.2, Gate.Compare.Estimate));
    assertThat(TrainingPlan.of(resource, DemandedSpec.of(resource.getSpec(), List.of())))
        .as("without a policy, the plan is what it was")
        .isEqualTo(TrainingPlan.of(resource));
  }

  @Test
  void twoPoliciesThatNameDifferentDataAreTold() {
    SafetyPolicy one = Examples.policy("one", "alignment: {source: \"pvc://a/x\"}");
    SafetyPolicy two = Examples.policy("two", "alignment: {source: \"pvc://b/x\"}");
    assertThatThrownBy(() -> PolicyMerge.strictest(List.of(one, two)))
        .isInstanceOf(PolicyViolationException.class)
        .hasMessageContainingAll("pvc://a/x in SafetyPolicy one", "pvc://b/x", "SafetyPolicy two");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{} | true",
        "{matchLabels: {team: a}} | true",
        "{matchLabels: {team: b}} | false",
        "{matchExpressions: [{key: team, operator: In, values: [a]}]} | true",
        "{matchExpressions: [{key: team, operator: NotIn, values: [a]}]} | false",
        "{matchExpressions: [{key: free, operator: NotIn, values: ['yes']}]} | true",
        "{matchExpressions: [{key: team, operator: Exists}]} | true",
        "{matchExpressions: [{key: team, operator: DoesNotExist}]} | false",
        "{matchExpressions: [{key: team, operator: Tomorrow}]} | true",
        "{matchLabels: {team: a}, matchExpressions: [{key: x, operator: Exists}]} | false"
      })
  void aSelectorSelectsAsKubernetesDoes(String selector, boolean selected) {
    SafetyPolicy policy = Examples.policy("any", "namespaceSelector: " + selector);
    assertThat(PolicyScope.selects(policy, Map.of("team", "a"))).isEqualTo(selected);
    assertThat(PolicyScope.isEverywhere(policy)).isEqualTo(selector.equals("{}"));
  }
}
