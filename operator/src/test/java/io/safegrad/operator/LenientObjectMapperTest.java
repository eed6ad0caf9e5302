package io.safegrad.operator;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafetyPolicy;
import io.safegrad.operator.plan.PolicyCheck;
import io.safegrad.operator.plan.PolicyViolation;
import io.safegrad.operator.plan.PolicyViolationException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** One resource that cannot be read ends the watch of all. */
class LenientObjectMapperTest {

  private static final String MANIFEST =
      """
      {"apiVersion": "safegrad.io/v1alpha1", "kind": "SafeFineTune", "metadata": {"name": "a"},
       "spec": {"ttlSecondsAfterFinished": %1$s, "activeDeadlineSeconds": %1$s,
                "pod": {"affinity": {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution":
                        [{"weight": %1$s, "podAffinityTerm": {"topologyKey": "zone"}}]}}}}}
      """;

  private static final String POLICY =
      """
      apiVersion: safegrad.io/v1alpha1
      kind: SafetyPolicy
      metadata: {name: newer}
      spec:
        %s
      """;

  /** What {@link WeakSpecs} does not have. */
  private static final String OTHER_FIELDS =
      """
      namespaceSelector: {matchLabels: {a: b}, matchExpressions: [{key: c, operator: In, values: [d]}]}
      maxAlignmentRefreshSteps: 4
      gate: {compare: ConfidenceBound}
      alignment: {source: "hf://a/b/c.jsonl", revision: 0123456789012345678901234567890123456789}
      evaluation:
        judge:
          type: Endpoint
          endpoint: {baseUrl: "https://judge.example/v1", model: m, prompt: RefusalVerdict/1, secretRef: {name: s}}
      allowedImages: []
      limits: {resources: {cpu: 1500m, memory: 1e3, storage: "0.5Gi"}}
      quarantine: {rule: Discard}
      """;

  private final KubernetesSerialization serialization;

  LenientObjectMapperTest() {
    ObjectMapper mapper = new ObjectMapper();
    serialization = new KubernetesSerialization(mapper, true);
    new LenientObjectMapper().customize(mapper);
  }

  @ParameterizedTest
  @ValueSource(strings = {"2147483648", "9223372036854775807"})
  void aNumberBeyondItsTypeIsItsLargest(String number) {
    SafeFineTune listed = serialization.unmarshal(MANIFEST.formatted(number), SafeFineTune.class);
    SafeFineTune watched =
        serialization.convertValue(
            serialization.unmarshal(MANIFEST.formatted(number), Map.class), SafeFineTune.class);
    for (SafeFineTune read : new SafeFineTune[] {listed, watched}) {
      assertThat(read.getSpec().ttlSecondsAfterFinished()).isEqualTo(Integer.MAX_VALUE);
      assertThat(
              read.getSpec()
                  .pod()
                  .affinity()
                  .getPodAffinity()
                  .getPreferredDuringSchedulingIgnoredDuringExecution()
                  .get(0)
                  .getWeight())
          .isEqualTo(Integer.MAX_VALUE);
    }
  }

  /** Read as absent it would demand nothing: a hole in what the platform says. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "requiredMethod: SaferGrad | requiredMethod",
        "gate: {minRefusalRate: 0.9, compare: LowerBound} | gate.compare",
        "gate: {maxRegret: 0.1} | gate.maxRegret",
        "quarantine: {rule: Burn, claim: kept} | quarantine.rule",
        "evaluation: {judge: {type: Jury}} | evaluation.judge.type",
        "evaluation: {judge: {jury: {size: 12}}} | evaluation.judge.jury.size"
      })
  void whatAPolicyDemandsInUnknownWordsIsHeldAgainstEveryRun(String line, String rule) {
    String manifest = POLICY.formatted(line);
    SafetyPolicy listed = serialization.unmarshal(manifest, SafetyPolicy.class);
    SafetyPolicy watched =
        serialization.convertValue(
            serialization.unmarshal(manifest, Map.class), SafetyPolicy.class);
    SafeFineTune run = Examples.resource("method: {name: SafeGrad}");
    for (SafetyPolicy read : new SafetyPolicy[] {listed, watched}) {
      assertThat(
              PolicyViolationException.sentences(PolicyCheck.ofSpec(run.getSpec(), List.of(read))))
          .contains(
              "SafetyPolicy newer: found what this operator does not know, fields and values of its"
                  + " own version expected (SafetyPolicy newer, "
                  + rule
                  + ")");
      assertThat(PolicyCheck.ofRun(run.getSpec(), List.of(), List.of(read)))
          .extracting(PolicyViolation::rule)
          .contains(rule);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {WeakSpecs.POLICY, WeakSpecs.PINNED, OTHER_FIELDS})
  void whatItKnowsIsUnderstood(String lines) {
    SafetyPolicy read =
        serialization.unmarshal(POLICY.formatted(lines.indent(2).strip()), SafetyPolicy.class);
    assertThat(read.getMetadata().getAnnotations()).isNullOrEmpty();
  }

  @Test
  void soIsOneBelowIt() {
    assertThat(
            serialization
                .unmarshal(MANIFEST.formatted("-99999999999"), SafeFineTune.class)
                .getSpec()
                .ttlSecondsAfterFinished())
        .isEqualTo(Integer.MIN_VALUE);
  }
}
