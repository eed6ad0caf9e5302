package io.safegrad.operator.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirementsBuilder;
import io.safegrad.api.v1alpha1.Judge;
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

  private static SafeFineTuneSpec spec(String... lines) {
    return Examples.resource(lines).getSpec();
  }
}
