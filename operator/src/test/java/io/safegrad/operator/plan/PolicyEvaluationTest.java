package io.safegrad.operator.plan;

import static io.safegrad.operator.plan.PolicyCheckTest.spec;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.safegrad.api.v1alpha1.Judge;
import io.safegrad.api.v1alpha1.SafeFineTuneSpec;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.PolicyValue;
import io.safegrad.api.v1alpha1.SafetyPolicy;
import io.safegrad.operator.Examples;
import io.safegrad.operator.WeakSpecs;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** By which prompts and by whom a run is measured is the platform's to say. */
class PolicyEvaluationTest {

  @Test
  void thePlatformsJudgeTakesTheDefaultsPlaceAndNoTenantNamesAnother() {
    SafetyPolicy own =
        Examples.policy("own", "evaluation: {judge: {type: StringList, stringList: AdvBench/1}}");
    SafetyPolicy gated = Examples.policy("gated", "gate: {minRefusalRate: 0.9}");
    SafetyPolicy free = Examples.policy("free", "requiredMethod: SafeGrad");
    SafeFineTuneSpec silent = spec("suspend: false");
    SafeFineTuneSpec lax = spec("safety: {evaluation: {judge: {stringList: Qi2023/1}}}");

    List<PolicyValue> values = PolicyMerge.strictest(List.of(own, gated));
    assertThat(DemandedSpec.of(silent, values).safety().evaluation().judge())
        .isEqualTo(new Judge(Judge.Type.StringList, "AdvBench/1", null, null));
    assertThat(PolicyCheck.ofSpec(silent, List.of(own, gated))).isEmpty();
    assertThat(PolicyCheck.ofRun(silent, values, List.of(own, gated))).isEmpty();
    assertThat(PolicyCheck.ofSpec(lax, List.of(free))).as("no gate to get around").isEmpty();
    assertThat(PolicyCheck.ofSpec(lax, List.of(own, gated)))
        .extracting(PolicyViolation::sentence)
        .containsExactly(
            "spec.safety.evaluation.judge: found {\"type\":\"StringList\",\"stringList\":\"Qi2023/1\"},"
                + " {\"type\":\"StringList\",\"stringList\":\"RefusalPhrases/1\"} expected (SafetyPolicy"
                + " gated, gate, evaluation, screening)",
            "spec.safety.evaluation.judge: found {\"type\":\"StringList\",\"stringList\":\"Qi2023/1\"},"
                + " {\"type\":\"StringList\",\"stringList\":\"AdvBench/1\"} expected (SafetyPolicy own,"
                + " evaluation.judge)");
    // At the verdict: what was judged before the policy named another judge counts no more.
    assertThat(PolicyCheck.ofRun(silent, List.of(), List.of(own))).hasSize(1);
    assertThat(PolicyCheck.ofRun(lax, List.of(), List.of(gated))).hasSize(1);
    SafetyPolicy other =
        Examples.policy("other", "evaluation: {judge: {type: StringList, stringList: Qi2023/1}}");
    assertThatThrownBy(() -> PolicyMerge.strictest(List.of(own, other)))
        .hasMessageContainingAll("evaluation.judge", "SafetyPolicy own", "SafetyPolicy other");
  }

  @ParameterizedTest
  @MethodSource("io.safegrad.operator.WeakSpecs#measuredOtherwise")
  void aGateThatNamesNoPromptsIsAskedOfTheDefaultOnes(String line, String sentence) {
    SafetyPolicy gated = Examples.policy("gated", WeakSpecs.GATED);
    SafetyPolicy free = Examples.policy("free", "requiredMethod: SafeGrad");
    SafeFineTuneSpec own = spec(line);
    assertThat(PolicyCheck.ofSpec(own, List.of(free))).as("no gate to get around").isEmpty();
    assertThat(PolicyCheck.ofSpec(own, List.of(gated)))
        .extracting(PolicyViolation::sentence)
        .containsExactly(sentence + " expected (SafetyPolicy gated, gate, evaluation, screening)");
    SafetyPolicy screened = Examples.policy("screened", "screening: LeaveOut");
    assertThat(PolicyCheck.ofSpec(own, List.of(screened))).as("it asks, too").hasSize(1);
    SafetyPolicy unscreened = Examples.policy("unscreened", "screening: None");
    assertThat(PolicyCheck.ofSpec(own, List.of(unscreened))).isEmpty();
    assertThat(PolicyCheck.ofRun(own, List.of(), List.of(gated)))
        .as("at the verdict")
        .extracting(PolicyViolation::sentence)
        .containsExactly(sentence + " expected (SafetyPolicy gated, gate, evaluation, screening)");
  }

  @Test
  void aGateThatNamesNoPromptsLeavesAloneWhatAnotherPolicyNames() {
    SafetyPolicy gated = Examples.policy("gated", WeakSpecs.GATED);
    SafetyPolicy named =
        Examples.policy("named", "evaluation: {harmful: \"builtin://corpus\", maxNewTokens: 64}");
    SafeFineTuneSpec silent = spec("suspend: false");
    List<PolicyValue> values = PolicyMerge.strictest(List.of(gated, named));
    assertThat(DemandedSpec.of(silent, values).safety().evaluation().harmful())
        .isEqualTo("builtin://corpus");
    assertThat(PolicyCheck.ofSpec(silent, List.of(gated, named))).isEmpty();
    assertThat(PolicyCheck.ofRun(silent, values, List.of(gated, named))).isEmpty();
    assertThat(PolicyCheck.ofRun(silent, values, List.of(gated))).as("named is gone").isEmpty();
  }

  @Test
  void aClassifierIsAModelThatThePlatformPins() {
    String judge =
        "evaluation: {judge: {type: Classifier, classifier: {source: \"%s\", label: r}}}";
    String own = judge.formatted("pvc://models/judge");
    SafetyPolicy free = Examples.policy("free", "allowedSources: {model: [\"pvc://models/*\"]}");
    SafetyPolicy pinned = Examples.policy("pinned", "requirePinnedRevision: true");
    assertThat(PolicyCheck.ofSpec(spec("safety: {" + own + "}"), List.of(free))).isEmpty();
    assertThat(
            PolicyCheck.ofSpec(
                spec("safety: {" + judge.formatted("hf://a/judge") + "}"), List.of(free)))
        .extracting(PolicyViolation::sentence)
        .containsExactly(
            "spec.safety.evaluation.judge.classifier.source: found hf://a/judge, one of"
                + " pvc://models/* expected (SafetyPolicy free, allowedSources.model)");
    assertThat(PolicyCheck.ofSpec(spec("safety: {" + own + "}"), List.of(pinned)))
        .extracting(PolicyViolation::sentence)
        .contains(
            "spec.safety.evaluation.judge.classifier.source: found pvc://models/judge, a digest"
                + " expected (SafetyPolicy pinned, requirePinnedRevision)");

    SafetyPolicy platform =
        Examples.policy(
            "platform",
            "requirePinnedRevision: true",
            "allowedSources: {model: [\"builtin://*\", \"pvc://models/*\"]}",
            judge.formatted("pvc://judges/j"));
    SafeFineTuneSpec silent = spec("suspend: false");
    List<PolicyValue> values = PolicyMerge.strictest(List.of(platform));
    assertThat(DemandedSpec.of(silent, values).safety().evaluation().judge().shownName())
        .isEqualTo("label r of pvc://judges/j");
    assertThat(PolicyCheck.ofRun(silent, values, List.of(platform)))
        .extracting(PolicyViolation::sentence)
        .noneMatch(sentence -> sentence.contains("judge"));
    assertThat(
            PolicyCheck.ofSpec(
                spec("output: {destination: \"pvc://judges/out\"}"), List.of(platform)))
        .extracting(PolicyViolation::sentence)
        .contains(
            "spec.output.destination: found pvc://judges/out, another claim than that of the"
                + " platform's pvc://judges/j expected (SafetyPolicy platform, evaluation.judge)");
  }

  @Test
  void promptsGoOnlyWherePoliciesLetResultsGo() {
    String judge = "evaluation: {judge: {type: Endpoint, endpoint: {baseUrl: \"%s\", model: m}}}";
    SafetyPolicy inside =
        Examples.policy("inside", "allowedDestinations: [\"pvc://*\", \"https://j.corp/*\"]");
    SafetyPolicy platform =
        Examples.policy("platform", judge.formatted("https://elsewhere.example/v1"));

    assertThat(
            PolicyCheck.ofSpec(
                spec("safety: {" + judge.formatted("https://j.corp/v1") + "}"), List.of(inside)))
        .isEmpty();
    assertThat(
            PolicyCheck.ofSpec(
                spec("safety: {" + judge.formatted("https://evil.example/v1") + "}"),
                List.of(inside)))
        .extracting(PolicyViolation::sentence)
        .containsExactly(
            "spec.safety.evaluation.judge.endpoint.baseUrl: found https://evil.example/v1, one of"
                + " pvc://*, https://j.corp/* expected (SafetyPolicy inside, allowedDestinations)");
    SafeFineTuneSpec silent = spec("suspend: false");
    List<PolicyValue> values = PolicyMerge.strictest(List.of(inside, platform));
    assertThat(PolicyCheck.ofRun(silent, values, List.of(inside, platform)))
        .as("the platform's word")
        .isEmpty();
    assertThat(DemandedSpec.of(silent, values).safety().evaluation().judge().endpoint().baseUrl())
        .isEqualTo("https://elsewhere.example/v1");
    assertThat(values)
        .filteredOn(value -> value.field().equals("evaluation.judge"))
        .allMatch(value -> value.value().length() <= 1024);
  }
}
