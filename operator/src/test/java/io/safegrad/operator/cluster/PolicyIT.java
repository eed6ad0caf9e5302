package io.safegrad.operator.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Pod;
import io.safegrad.api.TrainingPlan;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.PolicyValue;
import io.safegrad.api.v1alpha1.SafetyPolicy;
import io.safegrad.operator.WeakSpecs;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What the operator makes of policies by itself: here no admission stands before it. */
@ExtendWith(Cluster.Extension.class)
class PolicyIT {

  /** What {@link WeakSpecs#POLICY} sets. */
  private static final String[] EVERY_FIELD = {
    "requiredMethod",
    "minimumAlignmentWeight",
    "maxAlignmentRefreshSteps",
    "gate.minRefusalRate",
    "gate.maxRefusalDrop",
    "gate.maxOverRefusal",
    "gate.maxIncoherentRate",
    "gate.maxDataRefusalDrop",
    "gate.maxTemplateRefusalDrop",
    "gate.maxRefusalKl",
    "limits.maxSteps",
    "limits.maxEpochs",
    "limits.activeDeadlineSeconds",
    "limits.resources.memory",
    "limits.resources.nvidia.com/gpu",
    "limits.resources.storage",
    "alignment.source",
    "alignment.digest",
    "evaluation.harmful",
    "evaluation.harmfulDigest",
    "evaluation.harmless",
    "evaluation.harmlessDigest",
    "evaluation.maxNewTokens",
    "evaluation.judge",
    "quarantine.rule",
    "quarantine.claim",
    "allowedSources.model",
    "allowedSources.data",
    "allowedDestinations",
    "allowedImages"
  };

  private final Cluster cluster;
  private final FakeNode node;
  private final Platform platform;
  private final Map<String, String> labels = Platform.labels();

  PolicyIT(Cluster cluster) {
    this.cluster = cluster;
    this.node = new FakeNode(cluster.client());
    this.platform = new Platform(cluster);
  }

  @AfterEach
  void tearDown() {
    platform.close();
  }

  @Test
  void everyViolationIsNamedAndTheRunStartsOnceItIsCorrected() {
    SafetyPolicy policy = platform.policy("strict", labels, WeakSpecs.POLICY);
    TestRun run =
        new TestRun(cluster, labels).create("method: {name: Sft}", "training: {epochs: 9}");
    run.awaitCondition("Accepted", "PolicyViolation");
    assertThat(run.condition("Accepted").getStatus()).isEqualTo("False");
    String origin = "(SafetyPolicy " + policy.getMetadata().getName();
    assertThat(run.condition("Accepted").getMessage())
        .isEqualTo(
            "spec.method.name: found Sft, SafeGrad expected %1$s, requiredMethod);"
                    .formatted(origin)
                + " spec.method.alignmentWeight: found none (Sft), at least 0.5 expected"
                + " %1$s, minimumAlignmentWeight);".formatted(origin)
                + " spec.training.epochs: found 9, at most 3 expected"
                + " %1$s, limits.maxEpochs)".formatted(origin));
    assertThat(run.condition("Stalled").getStatus()).isEqualTo("True");
    assertThat(run.job()).isEmpty();
    assertThat(run.eventReasons()).containsExactly("Blocked");
    run.patchSpec("{\"method\": {\"name\": \"SafeGrad\"}, \"training\": {\"epochs\": 3}}");
    run.awaitJob();
  }

  @Test
  void theStrictestOfTwoPoliciesWinsAndIsRecorded() {
    SafetyPolicy strict = platform.policy("strict", labels, WeakSpecs.POLICY);
    SafetyPolicy other =
        platform.policy(
            "other", labels, "gate: {minRefusalRate: 0.97}\nlimits: {activeDeadlineSeconds: 9999}");
    TestRun run = new TestRun(cluster, labels).create();
    TestRun.awaitUntil(
        "the policies' deadline",
        () -> Long.valueOf(3600).equals(run.awaitJob().getSpec().getActiveDeadlineSeconds()));
    assertThat(run.status().policyValues())
        .contains(
            new PolicyValue("gate.minRefusalRate", "0.97", other.getMetadata().getName()),
            new PolicyValue("gate.maxRefusalDrop", "0.01", strict.getMetadata().getName()),
            new PolicyValue(
                "alignment.source",
                "pvc://platform/alignment.jsonl",
                strict.getMetadata().getName()))
        .extracting(PolicyValue::field)
        .containsExactlyInAnyOrder(EVERY_FIELD);
    TrainingPlan plan =
        TrainingPlan.fromYaml(
            run.plan().orElseThrow().getData().get("plan.yaml").getBytes(StandardCharsets.UTF_8));
    assertThat(plan.digest()).isEqualTo(run.planDigest());
    assertThat(plan.safety().gate().minRefusalRate()).isEqualTo(0.97);
    assertThat(plan.safety().alignment().source()).isEqualTo("pvc://platform/alignment.jsonl");
    assertThat(run.awaitPod().getSpec().getVolumes())
        .as("the platform's claim is mounted")
        .anySatisfy(
            volume ->
                assertThat(volume.getPersistentVolumeClaim())
                    .isNotNull()
                    .extracting(claim -> claim.getClaimName())
                    .isEqualTo("platform"));
    run.patchSpec("{\"activeDeadlineSeconds\": 86400}");
    run.awaitStatus("the new generation", status -> status.observedGeneration() == 2);
    assertThat(run.awaitJob().getSpec().getActiveDeadlineSeconds()).isEqualTo(3600);
  }

  @Test
  void aPolicyThatComesWhileARunIsHeldBlocksItAndItsWithdrawalLetsItGo() {
    TestRun run = new TestRun(cluster, labels).create("suspend: true", "method: {name: Sft}");
    run.awaitPhase(Phase.Suspended);
    SafetyPolicy policy = platform.policy("late", labels, "requiredMethod: SafeGrad");
    run.awaitCondition("Accepted", "PolicyViolation");
    platform.withdraw(policy);
    run.awaitCondition("Accepted", "Accepted");
  }

  @Test
  void aNamespaceThatIsLabelledLaterFallsUnderThePolicy() {
    platform.policy("strict", labels, "requiredMethod: SafeGrad");
    TestRun run = new TestRun(cluster).create("suspend: true", "method: {name: Sft}");
    run.awaitPhase(Phase.Suspended);
    platform.label(run.namespace(), labels);
    run.awaitCondition("Accepted", "PolicyViolation");
  }

  @Test
  void twoPoliciesThatCannotBothHoldLetNothingRun() {
    String digest = "digest: \"sha256:%s\"}".formatted("0".repeat(64));
    platform.policy("one", labels, "alignment: {source: \"pvc://a/x\", " + digest);
    platform.policy("two", labels, "alignment: {source: \"pvc://b/x\", " + digest);
    TestRun run = new TestRun(cluster, labels).create();
    run.awaitCondition("Accepted", "PolicyViolation");
    assertThat(run.condition("Accepted").getMessage())
        .contains("pvc://a/x in SafetyPolicy one-", "pvc://b/x expected", "SafetyPolicy two-");
  }

  @Test
  void aGateThatIsTightenedMidRunHoldsAtTheVerdict() {
    SafetyPolicy policy = platform.policy("gate", labels, "gate: {minRefusalRate: 0.5}");
    TestRun run = new TestRun(cluster, labels).create();
    Pod pod = run.awaitPod();
    platform.tighten(policy, "{\"gate\": {\"minRefusalRate\": 0.99}}");
    node.ends(pod, 0, Results.success(run.planDigest(), 49));
    run.awaitPhase(Phase.Rejected);
    assertThat(run.condition("Ready").getReason()).isEqualTo("GateRefused");
    assertThat(run.condition("Ready").getMessage())
        .contains("minRefusalRate: 98.0% of the harmful prompts", "at least 99.0% expected");
    assertThat(run.status().artifact().uri()).isNull();
  }

  @Test
  void aDemandThatComesMidRunIsCheckedAtTheVerdict() {
    TestRun run = new TestRun(cluster, labels).create("method: {name: Sft}");
    Pod pod = run.awaitPod();
    platform.policy("strict", labels, "requiredMethod: SafeGrad");
    node.ends(pod, 0, Results.success(run.planDigest(), 50));
    run.awaitPhase(Phase.Rejected);
    assertThat(run.condition("Ready").getReason()).isEqualTo("PolicyViolation");
    assertThat(run.condition("Ready").getMessage())
        .contains("spec.method.name: found Sft, SafeGrad expected (SafetyPolicy strict-");
    assertThat(run.condition("SafetyGatePassed").getStatus()).isEqualTo("False");
    assertThat(run.status().artifact().uri()).isNull();
  }

  @Test
  void promptsThatThePlatformExchangesMidRunAreMissedAtTheVerdict() {
    String evaluation = "evaluation: {harmful: \"pvc://platform/h\", harmfulDigest: \"sha256:%s\"}";
    SafetyPolicy policy = platform.policy("prompts", labels, evaluation.formatted("0".repeat(64)));
    TestRun run = new TestRun(cluster, labels).create();
    Pod pod = run.awaitPod();
    platform.tighten(
        policy, "{\"evaluation\": {\"harmfulDigest\": \"sha256:%s\"}}".formatted("1".repeat(64)));
    node.ends(pod, 0, Results.success(run.planDigest(), 50));
    run.awaitPhase(Phase.Rejected);
    assertThat(run.condition("Ready").getMessage())
        .contains("spec.safety.evaluation.harmfulDigest: found sha256:000");
  }

  @Test
  void aNamespaceThatLosesItsLabelMidRunKeepsTheGateOfTheStart() {
    platform.policy("gate", labels, "gate: {minRefusalRate: 0.99}");
    TestRun run = new TestRun(cluster, labels).create();
    Pod pod = run.awaitPod();
    platform.label(run.namespace(), Map.of("other", "label"));
    node.ends(pod, 0, Results.success(run.planDigest(), 49));
    run.awaitPhase(Phase.Rejected);
    assertThat(run.condition("Ready").getMessage()).contains("at least 99.0% expected");
  }

  @Test
  void aPlanThatWasExchangedForAWeakerOneIsNotBelieved() {
    platform.policy("strict", labels, WeakSpecs.POLICY);
    TestRun run = new TestRun(cluster, labels).create();
    String weaker = TrainingPlan.of(run.resource().get()).digest();
    assertThat(weaker).isNotEqualTo(run.planDigest());
    node.ends(run.awaitPod(), 0, Results.success(weaker, 50));
    run.awaitPhase(Phase.Failed);
    assertThat(run.condition("Ready").getReason()).isEqualTo("PlanMismatch");
  }
}
