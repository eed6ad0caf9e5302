package io.safegrad.operator.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.safegrad.api.v1alpha1.SafetyPolicy;
import io.safegrad.operator.WeakSpecs;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What asks for less than a policy demands is refused at apply, and nothing else is. */
@ExtendWith(Cluster.Extension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PolicyAdmissionIT {

  private final Cluster cluster;
  private AdmissionScene scene;
  private SafetyPolicy pinned;
  private TestRun unpinned;

  PolicyAdmissionIT(Cluster cluster) {
    this.cluster = cluster;
  }

  @BeforeAll
  void setUp(@TempDir Path scratch) throws Exception {
    scene = new AdmissionScene(cluster, scratch);
    Map<String, String> labels = Platform.labels();
    pinned = scene.platform().policy("pinned", labels, WeakSpecs.PINNED);
    unpinned = new TestRun(cluster, labels);
    scene.platform().admitUsers(unpinned.namespace());
    scene
        .platform()
        .awaitRefusal("apply", "--dry-run=server", "-f", scene.file(unpinned.manifest()));
  }

  @AfterAll
  void tearDown() throws Exception {
    scene.close();
  }

  @ParameterizedTest
  @MethodSource("io.safegrad.operator.WeakSpecs#all")
  void aWeakSpecIsRefusedAtApplyWithTheReason(String line, String sentence) throws Exception {
    KubectlResult result =
        scene.as(Platform.TENANT, "apply", "-f", scene.file(scene.empty().manifest(line)));
    assertThat(result.exitCode()).as(result.output()).isNotZero();
    assertThat(result.output()).contains(sentence, "(SafetyPolicy " + scene.policy() + ", ");
    assertThat(scene.empty().resource().get()).isNull();
  }

  @ParameterizedTest
  @MethodSource("io.safegrad.operator.WeakSpecs#unpinned")
  void whatNothingPinsIsRefusedWhereThePolicyWantsItPinned(String line, String sentence)
      throws Exception {
    String name = pinned.getMetadata().getName();
    KubectlResult result =
        scene.as(Platform.TENANT, "apply", "-f", scene.file(unpinned.manifest(line)));
    assertThat(result.exitCode()).as(result.output()).isNotZero();
    assertThat(result.output())
        .contains(sentence, "(SafetyPolicy " + name + ", requirePinnedRevision)");
  }

  @ParameterizedTest
  @MethodSource("io.safegrad.operator.WeakSpecs#measuredOtherwise")
  void whatAGateIsAskedOfIsNotTheTenantsChoice(String line, String sentence) throws Exception {
    TestRun run = runUnder("gated", WeakSpecs.GATED);
    assertThat(refusal(scene.file(run.manifest(line))))
        .contains(sentence + " expected (SafetyPolicy gated", ", gate, evaluation, screening)");
  }

  @Test
  void norIsWhatScreeningAsks() throws Exception {
    TestRun run = runUnder("screened", "screening: LeaveOut");
    assertThat(refusal(scene.file(run.manifest("safety: {evaluation: {maxNewTokens: 1}}"))))
        .contains("spec.safety.evaluation.maxNewTokens: found 1, 48 expected");
  }

  @Test
  void promptsGoToNoJudgeThatNoPolicyAdmits() throws Exception {
    TestRun run = runUnder("inside", "allowedDestinations: [\"pvc://*\", \"https://j.corp/*\"]");
    String judge =
        "safety: {evaluation: {judge: {type: Endpoint, endpoint: {baseUrl: \"%s\", model: m}}}}";
    String inside = scene.file(run.manifest(judge.formatted("https://j.corp/v1")));
    String outside = scene.file(run.manifest(judge.formatted("https://j.corp.evil.example/v1")));
    assertThat(refusal(outside))
        .contains(
            "spec.safety.evaluation.judge.endpoint.baseUrl: found"
                + " https://j.corp.evil.example/v1, one of [pvc://*, https://j.corp/*]");
    KubectlResult taken = scene.as(Platform.TENANT, "apply", "--dry-run=server", "-f", inside);
    assertThat(taken.exitCode()).as(taken.output()).isZero();
    String open = judge.replace("model: m", "model: m, secretRef: {name: s}");
    KubectlResult read =
        scene.as(
            Platform.TENANT,
            "apply",
            "--dry-run=server",
            "-f",
            scene.file(run.manifest(open.formatted("http://127.evil.example/v1"))));
    assertThat(read.output()).contains("a token is sent to an https:// baseUrl only");
  }

  @Test
  void aClassifierIsAModelThatAPolicyAllowsOrNot() throws Exception {
    TestRun run =
        runUnder("models", "allowedSources: {model: [\"builtin://*\", \"pvc://judges/*\"]}");
    String judge =
        "safety: {evaluation: {judge: {type: Classifier, classifier: {source: \"%s\", label: r}}}}";
    String strange = scene.file(run.manifest(judge.formatted("pvc://mine/judge")));
    assertThat(refusal(strange))
        .contains(
            "spec.safety.evaluation.judge.classifier.source: found pvc://mine/judge, one of"
                + " builtin://*, pvc://judges/* expected");
    String allowed = scene.file(run.manifest(judge.formatted("pvc://judges/judge")));
    KubectlResult taken = scene.as(Platform.TENANT, "apply", "--dry-run=server", "-f", allowed);
    assertThat(taken.exitCode()).as(taken.output()).isZero();
  }

  @Test
  void whatIsPinnedIsTaken() throws Exception {
    String digest = "digest: \"sha256:%s\"".formatted("0".repeat(64));
    String manifest =
        unpinned.manifest(
            "dataset: {source: \"pvc://team-data/train.jsonl\", %s}".formatted(digest),
            "safety: {alignment: {additional: [{source: \"pvc://team-data/own\", %s}]},"
                    .formatted(digest)
                + " evaluation: {harmful: \"pvc://team-data/h\", harmfulD%s}}"
                    .formatted(digest.substring(1)));
    KubectlResult result =
        scene.as(Platform.TENANT, "apply", "--dry-run=server", "-f", scene.file(manifest));
    assertThat(result.exitCode()).as(result.output()).isZero();
  }

  @Test
  void whatThePolicyAdmitsIsTaken() throws Exception {
    TestRun run = new TestRun(cluster, scene.labels());
    scene.platform().admitUsers(run.namespace());
    String strong =
        run.manifest(
            "method: {alignmentWeight: 0.5}",
            "safety: {gate: {minRefusalRate: 0.99}, evaluation: {task: \"pvc://team-data/t\"}}",
            "pod: {image: \"registry.example/safegrad/trainer:1\"}",
            "training: {maxSteps: 500}");
    KubectlResult result = scene.as(Platform.TENANT, "apply", "-f", scene.file(strong));
    assertThat(result.exitCode()).as(result.output()).isZero();
    run.awaitJob();
    assertThat(scene.as(Platform.TENANT, "apply", "-f", scene.file(strong)).output())
        .contains("unchanged");
  }

  @Test
  void anOldRunUnderATightenedPolicyMayStillBeSuspendedAndLabelled() throws Exception {
    Map<String, String> own = Platform.labels();
    TestRun run = new TestRun(cluster, own);
    run.create("method: {alignmentWeight: 0.1}").awaitJob();
    scene.platform().policy("later", own, WeakSpecs.POLICY);
    scene.platform().admitUsers(run.namespace());
    scene.platform().awaitRefusal("apply", "--dry-run=server", "-f", scene.file(weakTwin(run)));
    assertThat(
            scene
                .as(Platform.TENANT, "label", "sft", TestRun.NAME, "-n", run.namespace(), "a=b")
                .output())
        .contains("labeled");
    assertThat(
            scene
                .as(
                    Platform.TENANT,
                    "patch",
                    "sft",
                    TestRun.NAME,
                    "-n",
                    run.namespace(),
                    "--type=merge",
                    "-p",
                    "{\"spec\": {\"suspend\": true}}")
                .output())
        .contains("patched");
  }

  /** Whoever controls the storage could exchange it. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "alignment: {source: 'pvc://platform/a'} | needs digest: sha256:",
        "alignment: {source: 'hf://datasets/a/b/c', revision: main} | needs digest: sha256:",
        "evaluation: {harmful: 'pvc://platform/h'} | harmful needs harmfulDigest",
        "evaluation: {harmless: 'file:///h'} | harmless needs harmlessDigest",
        "evaluation: {judge: {type: Classifier, classifier: {label: r, source: 'pvc://p/j'}}} | needs digest: sha256:"
      })
  void thePlatformsOwnDataIsPinned(String spec, String sentence) throws Exception {
    String policy =
        """
        apiVersion: safegrad.io/v1alpha1
        kind: SafetyPolicy
        metadata: {name: unpinned}
        spec: {%s}
        """;
    String file = scene.file(policy.formatted(spec.replace('\'', '"')));
    KubectlResult result = cluster.kubectl("apply", "--dry-run=server", "-f", file);
    assertThat(result.exitCode()).as(result.output()).isNotZero();
    assertThat(result.output()).contains(sentence);
    String digest = "\"sha256:%s\"}".formatted("0".repeat(64));
    String field =
        spec.startsWith("alignment")
            ? "digest"
            : spec.contains("judge")
                ? "digest"
                : spec.contains("harmful") ? "harmfulDigest" : "harmlessDigest";
    String pinned =
        scene.file(
            policy.formatted(
                spec.replace('\'', '"').replaceFirst("}", ", %s: %s".formatted(field, digest))));
    result = cluster.kubectl("apply", "--dry-run=server", "-f", pinned);
    assertThat(result.exitCode()).as(result.output()).isZero();
  }

  @Test
  void theExampleIsAPolicy() throws Exception {
    KubectlResult result =
        cluster.kubectl("apply", "--dry-run=server", "-f", "../deploy/examples/safety-policy.yaml");
    assertThat(result.output())
        .isEqualTo("safetypolicy.safegrad.io/platform created (server dry run)");
  }

  @Test
  void aNamespaceWithoutAPolicyIsFree() throws Exception {
    TestRun run = new TestRun(cluster);
    scene.platform().admitUsers(run.namespace());
    KubectlResult result =
        scene.as(Platform.TENANT, "apply", "-f", scene.file(run.manifest("method: {name: Sft}")));
    assertThat(result.exitCode()).as(result.output()).isZero();
    run.awaitJob();
    assertThat(run.status().policyValues()).isNull();
  }

  /** In a namespace of its own, under a policy of its own. */
  private TestRun runUnder(String policy, String demand) throws Exception {
    Map<String, String> labels = Platform.labels();
    TestRun run = new TestRun(cluster, labels);
    scene.platform().policy(policy, labels, demand);
    scene.platform().admitUsers(run.namespace());
    return run;
  }

  /** What a tenant is told, once the policy is in force. */
  private String refusal(String file) throws Exception {
    scene.platform().awaitRefusal("apply", "--dry-run=server", "-f", file);
    return scene.as(Platform.TENANT, "apply", "--dry-run=server", "-f", file).output();
  }

  private static String weakTwin(TestRun run) {
    return run.manifest("method: {name: Sft}").replace(TestRun.NAME + "\n", "twin\n");
  }
}
