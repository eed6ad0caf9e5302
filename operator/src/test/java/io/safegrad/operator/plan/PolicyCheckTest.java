package io.safegrad.operator.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirementsBuilder;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafeFineTuneSpec;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.PolicyValue;
import io.safegrad.api.v1alpha1.SafetyPolicy;
import io.safegrad.api.v1alpha1.Screening;
import io.safegrad.operator.Examples;
import io.safegrad.operator.WeakSpecs;
import io.safegrad.operator.status.RunStatus;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class PolicyCheckTest {

  private static final SafetyPolicy STRICT = Examples.policy("strict", WeakSpecs.POLICY);

  @ParameterizedTest
  @MethodSource("io.safegrad.operator.WeakSpecs#all")
  void namesFieldRuleValueAndPolicy(String line, String sentence) {
    List<PolicyViolation> violations = PolicyCheck.ofSpec(spec(line), List.of(STRICT));
    assertThat(violations).hasSizeBetween(1, 3);
    assertThat(PolicyViolationException.sentences(violations))
        .contains(sentence, "(SafetyPolicy strict, ");
  }

  @ParameterizedTest
  @MethodSource("io.safegrad.operator.WeakSpecs#unpinned")
  void namesWhatNothingPins(String line, String sentence) {
    List<PolicyViolation> violations =
        PolicyCheck.ofSpec(spec(line), List.of(Examples.policy("pinned", WeakSpecs.PINNED)));
    assertThat(PolicyViolationException.sentences(violations))
        .contains(sentence, "(SafetyPolicy pinned, requirePinnedRevision)");
  }

  @Test
  void whatIsPinnedIsAdmittedAndThePlatformAnswersForItsOwn() {
    String digest = ", digest: \"sha256:%s\"}".formatted("0".repeat(64));
    SafetyPolicy pinned =
        Examples.policy(
            "pinned", WeakSpecs.PINNED, "alignment: {source: \"pvc://platform/a.jsonl\"}");
    SafeFineTuneSpec spec =
        spec(
            "model: {source: \"hf://a/b\", revision: \"%s\"}".formatted("0".repeat(40)),
            "dataset: {source: \"pvc://team-data/train.jsonl\"" + digest,
            "safety: {evaluation: {task: \"pvc://team-data/task.jsonl\"}}");
    assertThat(PolicyCheck.ofSpec(spec, List.of(pinned))).isEmpty();
    assertThat(PolicyCheck.ofRun(spec, PolicyMerge.strictest(List.of(pinned)), List.of(pinned)))
        .isEmpty();
  }

  @Test
  void whatAPolicyScreensIsScreenedWhateverTheRunSays() {
    SafetyPolicy screens = Examples.policy("screens", "screening: LeaveOut");
    SafetyPolicy free = Examples.policy("free", "screening: None");
    SafeFineTuneSpec silent = spec("suspend: false");
    SafeFineTuneSpec own = spec("safety: {screening: LeaveOut}");

    List<PolicyValue> values = PolicyMerge.strictest(List.of(free, screens));
    assertThat(values).containsExactly(new PolicyValue("screening", "LeaveOut", "screens"));
    assertThat(DemandedSpec.of(silent, values).safety().screening()).isEqualTo(Screening.LeaveOut);
    assertThat(PolicyCheck.ofSpec(silent, List.of(screens))).isEmpty();
    assertThat(PolicyCheck.ofRun(silent, values, List.of(screens))).isEmpty();

    List<PolicyValue> none = PolicyMerge.strictest(List.of(free));
    assertThat(DemandedSpec.of(own, none).safety().screening()).isEqualTo(Screening.LeaveOut);
    assertThat(DemandedSpec.of(silent, none).safety().screening()).isEqualTo(Screening.None);
    // Demanded only after the start, when it is too late to ask the start model.
    assertThat(PolicyCheck.ofRun(own, none, List.of(screens))).isEmpty();
    assertThat(PolicyCheck.ofRun(silent, none, List.of(screens)))
        .extracting(PolicyViolation::sentence)
        .containsExactly(
            "spec.safety.screening: found None, LeaveOut expected (SafetyPolicy screens, screening)");
  }

  /** Kubernetes takes a limit for the request that is not there. */
  @Test
  void theMostThatIsAllowedIsNotSetAsideForWhoAsksForLess() {
    SafetyPolicy large =
        Examples.policy(
            "large",
            "limits: {resources: {cpu: 32, memory: 128Gi, hugepages-2Mi: 1Gi, storage: 1Ti}}");
    List<PolicyValue> values = PolicyMerge.strictest(List.of(large));
    assertThat(DemandedSpec.of(spec("suspend: false"), values).pod().resources())
        .isEqualTo(
            new ResourceRequirementsBuilder()
                .addToLimits("cpu", new Quantity("32"))
                .addToLimits("memory", new Quantity("128Gi"))
                .addToRequests("cpu", new Quantity("0"))
                .addToRequests("memory", new Quantity("0"))
                .build());
    SafeFineTuneSpec asking =
        spec("pod: {resources: {limits: {cpu: 2}, requests: {memory: 1Gi, example.com/a: 1}}}");
    assertThat(DemandedSpec.of(asking, values).pod().resources())
        .isEqualTo(
            new ResourceRequirementsBuilder()
                .addToLimits("cpu", new Quantity("2"))
                .addToLimits("memory", new Quantity("128Gi"))
                .addToRequests("memory", new Quantity("1Gi"))
                .addToRequests("example.com/a", new Quantity("1"))
                .build());
  }

  @Test
  void whoNamesNoResourcesGetsThePolicysLimitsAndNoDevice() {
    List<PolicyValue> values = PolicyMerge.strictest(List.of(STRICT));
    assertThat(DemandedSpec.of(spec("suspend: false"), values).pod().resources().getLimits())
        .containsExactly(Map.entry("memory", new Quantity("64Gi")));
    assertThat(
            DemandedSpec.of(
                    spec("pod: {resources: {limits: {memory: 1Gi, nvidia.com/gpu: 1}}}"), values)
                .pod()
                .resources()
                .getLimits())
        .containsOnly(
            Map.entry("memory", new Quantity("1Gi")),
            Map.entry("nvidia.com/gpu", new Quantity("1")));
    SafetyPolicy smaller = Examples.policy("smaller", "limits: {resources: {memory: 65000Mi}}");
    assertThat(PolicyMerge.strictest(List.of(STRICT, smaller)))
        .contains(new PolicyValue("limits.resources.memory", "65000Mi", "smaller"));
  }

  @Test
  void keepingWinsAndTheQuarantineStandsInThePlan() {
    SafetyPolicy discard = Examples.policy("a-discard", "quarantine: {rule: Discard}");
    List<PolicyValue> values = PolicyMerge.strictest(List.of(discard, STRICT));
    assertThat(values)
        .contains(
            new PolicyValue("quarantine.rule", "Keep", "strict"),
            new PolicyValue("quarantine.claim", "quarantine", "strict"));
    SafeFineTune resource = Examples.resource();
    resource.setStatus(RunStatus.demanded(resource, values).getStatus());
    assertThat(PlanResolver.resolve(resource).quarantine())
        .isEqualTo("pvc://quarantine/team-a/support-bot");
    assertThat(PlanResolver.resolve(Examples.resource()).quarantine()).isNull();
    SafetyPolicy elsewhere =
        Examples.policy("elsewhere", "allowedImages: []", "quarantine: {rule: Keep, claim: other}");
    assertThatThrownBy(() -> PolicyMerge.strictest(List.of(STRICT, elsewhere)))
        .hasMessageContainingAll("quarantine.claim", "SafetyPolicy elsewhere");
  }

  @Test
  void thePlatformsExamplesAreHeldToTheirDigest() {
    String digest = "sha256:" + "a".repeat(64);
    SafetyPolicy own =
        Examples.policy(
            "own", "alignment: {source: \"pvc://platform/a\", digest: \"%s\"}".formatted(digest));
    List<PolicyValue> values = PolicyMerge.strictest(List.of(own));
    SafeFineTuneSpec spec =
        spec("safety: {alignment: {additional: [{source: \"pvc://team-data/own\"}]}}");
    assertThat(DemandedSpec.of(spec, values).safety().alignment().digest()).isEqualTo(digest);
    assertThat(DemandedSpec.of(spec, values).safety().alignment().additional()).hasSize(1);
    SafetyPolicy changed =
        Examples.policy(
            "own",
            "alignment: {source: \"pvc://platform/a\", digest: \"sha256:%s\"}"
                .formatted("b".repeat(64)));
    assertThat(PolicyCheck.ofRun(spec, values, List.of(changed)))
        .singleElement()
        .extracting(PolicyViolation::field)
        .isEqualTo("spec.safety.alignment.digest");
  }

  @Test
  void namesEveryViolation() {
    List<PolicyViolation> violations =
        PolicyCheck.ofSpec(
            spec("method: {name: Sft}", "training: {epochs: 9}", "pod: {image: evil/x}"),
            List.of(STRICT));
    assertThat(violations)
        .extracting(PolicyViolation::rule)
        .containsExactly(
            "requiredMethod", "minimumAlignmentWeight", "allowedImages", "limits.maxEpochs");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "suspend: false",
        "method: {alignmentWeight: 0.5}",
        "safety: {gate: {minRefusalRate: 0.99, maxRefusalDrop: 0, maxOverRefusal: 0.01}}",
        "safety: {alignment: {source: 'pvc://platform/alignment.jsonl'}}",
        "safety: {evaluation: {task: 'pvc://team-data/test.jsonl', maxNewTokens: 64}}",
        "pod: {image: 'registry.example/safegrad/trainer:1'}",
        "training: {maxSteps: 500, epochs: 100}",
        "activeDeadlineSeconds: 60",
        "safety: {alignment: {additional: [{source: 'pvc://team-data/own.jsonl'}]}}",
        "safety: {evaluation: {additionalHarmful: [{source: 'pvc://team-data/own.jsonl'}]}}",
        "pod: {resources: {limits: {nvidia.com/gpu: 2, memory: 64Gi, cpu: 500}}}",
        "pod: {resources: {requests: {memory: 512Mi}}}"
      })
  void whatIsAsStrictOrStricterIsAdmitted(String line) {
    assertThat(PolicyCheck.ofSpec(spec(line), List.of(STRICT))).isEmpty();
  }

  @Test
  void aLimitIsNotPassedByTheOtherWayToCount() {
    SafetyPolicy epochs = Examples.policy("epochs", "limits: {maxEpochs: 3}");
    assertThat(PolicyCheck.ofSpec(spec("training: {maxSteps: 5}"), List.of(epochs)))
        .singleElement()
        .extracting(PolicyViolation::sentence)
        .isEqualTo(
            "spec.training.maxSteps: found 5, none expected, and at most 3 epochs (SafetyPolicy"
                + " epochs, limits.maxEpochs)");
    SafetyPolicy steps = Examples.policy("steps", "limits: {maxSteps: 50}");
    assertThat(PolicyCheck.ofSpec(spec("suspend: false"), List.of(steps)))
        .singleElement()
        .extracting(PolicyViolation::found)
        .isEqualTo("none");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "requiredMethod: Sft | {name: Lisa} | true",
        "requiredMethod: Sft | {name: Spag} | true",
        "requiredMethod: Sft | {name: SafeGrad, alignmentRefreshSteps: 9} | true",
        "requiredMethod: WeightedSum | {name: SafeGrad} | true",
        "requiredMethod: WeightedSum | {name: SafeGrad, projectionScope: PerLayer} | true",
        "requiredMethod: WeightedSum | {name: Lisa} | false",
        "requiredMethod: WeightedSum | {name: WeightedSum, alignmentRefreshSteps: 2} | false",
        "requiredMethod: SafeGrad | {projectionScope: PerLayer} | true",
        "requiredMethod: SafeGrad | {alignmentRefreshSteps: 2} | false",
        "requiredMethod: SafeGrad | {alignmentHistorySize: 32, projectionScope: PerLayer} | true",
        "requiredMethod: SafeGrad; maxAlignmentRefreshSteps: 4 | {alignmentRefreshSteps: 4} | true",
        "requiredMethod: SafeGrad; maxAlignmentRefreshSteps: 4 | {alignmentRefreshSteps: 5} | false",
        "minimumAlignmentWeight: 0.5 | {name: Spag, alignmentWeight: 1} | false",
        "minimumAlignmentWeight: 0.5 | {alignmentRefreshSteps: 2} | false",
        "minimumAlignmentWeight: 0 | {name: Lisa} | true",
        "maxAlignmentRefreshSteps: 2 | {name: Sft} | true",
        "allowedSources: {model: ['pvc://*']} | {name: SafeLora, safeLora: {baseModel: {source: 'pvc://models/raw'}}} | true",
        "allowedSources: {model: ['pvc://*']} | {name: SafeLora, safeLora: {baseModel: {source: 'hf://a/b'}}} | false",
        "requirePinnedRevision: true | {name: SafeLora, safeLora: {baseModel: {source: 'hf://a/b', revision: main}}} | false"
      })
  void whatAMethodSatisfies(String policy, String method, boolean admitted) {
    assertThat(
            PolicyCheck.ofSpec(
                    spec("method: " + method), List.of(Examples.policy("p", policy.split("; "))))
                .isEmpty())
        .isEqualTo(admitted);
  }

  @Test
  void aRunIsHeldToWhatItDidNotToItsDefaults() {
    SafeFineTuneSpec spec = spec("suspend: false");
    SafetyPolicy own =
        Examples.policy("own", "alignment: {source: \"pvc://platform/alignment.jsonl\"}");
    assertThat(PolicyCheck.ofSpec(spec, List.of(own))).isEmpty();
    assertThat(PolicyCheck.ofRun(spec, PolicyMerge.strictest(List.of(own)), List.of(own)))
        .isEmpty();
    assertThat(PolicyCheck.ofRun(spec, List.of(), List.of(own)))
        .as("the policy came when the run had begun with the default")
        .singleElement()
        .extracting(PolicyViolation::found)
        .isEqualTo("builtin://alignment");
    SafetyPolicy fenced =
        Examples.policy("fenced", "allowedSources: {data: [\"pvc://team-data/*\"]}");
    List<SafetyPolicy> both = List.of(own, fenced);
    assertThat(PolicyCheck.ofRun(spec, PolicyMerge.strictest(both), both))
        .as("the platform's own data is not the tenant's")
        .isEmpty();
  }

  static SafeFineTuneSpec spec(String... lines) {
    return Examples.resource(lines).getSpec();
  }
}
