package io.safegrad.operator.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Pod;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.operator.WeakSpecs;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Ways to weaken a policy, each refused by the API server with a sentence for its user. */
@ExtendWith(Cluster.Extension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PolicyAdmissionIT {

  private final Cluster cluster;
  private final Platform platform;
  private final Map<String, String> labels = Platform.labels();

  @TempDir Path folder;

  /** A namespace under the policy in which nothing is stored. */
  private TestRun empty;

  /** A run under the policy that has started, with its pod. */
  private TestRun running;

  private Pod pod;
  private String policy;

  PolicyAdmissionIT(Cluster cluster) {
    this.cluster = cluster;
    this.platform = new Platform(cluster);
  }

  @BeforeAll
  void setUp() throws Exception {
    platform.install("safety-policy.yaml");
    platform.install("trainer-objects.yaml");
    platform.install("tenant-role.yaml");
    policy = platform.policy("strict", labels, WeakSpecs.POLICY).getMetadata().getName();
    empty = new TestRun(cluster, labels);
    running = new TestRun(cluster, labels);
    platform.admitUsers(empty.namespace());
    platform.admitUsers(running.namespace());
    platform.awaitRefusal(
        "apply", "--dry-run=server", "-f", file(empty.manifest("method: {name: Sft}")));
    running.create();
    pod = running.awaitPod();
    new FakeNode(cluster.client()).starts(pod, "127.1.9.1");
    running.awaitPhase(Phase.Preparing);
    platform.awaitRefusal(
        "annotate", "--dry-run=server", "pod", name(), "-n", running.namespace(), "x=y");
  }

  @AfterAll
  void tearDown() {
    platform.close();
  }

  @ParameterizedTest
  @MethodSource("io.safegrad.operator.WeakSpecs#all")
  void aWeakSpecIsRefusedAtApplyWithTheReason(String line, String sentence) throws Exception {
    KubectlResult result = as(Platform.TENANT, "apply", "-f", file(empty.manifest(line)));
    assertThat(result.exitCode()).as(result.output()).isNotZero();
    assertThat(result.output()).contains(sentence, "(SafetyPolicy " + policy + ", ");
    assertThat(empty.resource().get()).isNull();
  }

  Stream<Arguments> attacks() throws Exception {
    String weak = file(empty.manifest("method: {name: Sft}"));
    String plan = TestRun.NAME + "-plan";
    return Stream.of(
        // Another way to write the same manifest.
        attack("requiredMethod)", Platform.TENANT, "create", "-f", weak),
        attack("requiredMethod)", Platform.TENANT, "create", "--validate=false", "-f", weak),
        attack("requiredMethod)", Platform.TENANT, "replace", "--force", "-f", weak),
        attack(
            "requiredMethod)",
            Platform.TENANT,
            "apply",
            "--server-side",
            "--force-conflicts",
            "--field-manager=safegrad-operator",
            "-f",
            weak),
        attack("requiredMethod)", Platform.EDITOR, "apply", "-f", weak),
        // The running run.
        change("method cannot be changed", Platform.TENANT, "{\"method\": {\"name\": \"Sft\"}}"),
        change(
            "maxRefusalDrop: found 1",
            Platform.TENANT,
            "{\"safety\": {\"gate\": {\"maxRefusalDrop\": 1.0}}}"),
        change(
            "safety cannot be changed",
            Platform.TENANT,
            "{\"safety\": {\"gate\": {\"maxOverRefusal\": 0.01}}}"),
        change(
            "dataset cannot be changed",
            Platform.TENANT,
            "{\"dataset\": {\"source\": \"pvc://team-data/other.jsonl\"}}"),
        change(
            "spec.pod.image: found evil/x", Platform.TENANT, "{\"pod\": {\"image\": \"evil/x\"}}"),
        change("at most 3600", Platform.TENANT, "{\"activeDeadlineSeconds\": 86400}"),
        // The verdict.
        attack("forbidden", Platform.TENANT, status("{\"status\": {\"phase\": \"Succeeded\"}}")),
        attack("forbidden", Platform.EDITOR, status("{\"status\": {\"policyValues\": []}}")),
        attack("only its operator does", null, status("{\"status\": {\"phase\": \"Succeeded\"}}")),
        // The policy.
        attack("forbidden", Platform.TENANT, "delete", "safetypolicy", policy),
        attack(
            "forbidden",
            Platform.EDITOR,
            "patch",
            "safetypolicy",
            policy,
            "--type=merge",
            "-p",
            "{\"spec\": {\"requiredMethod\": null}}"),
        attack("forbidden", Platform.EDITOR, "create", "-f", file(WEAKER)),
        attack(
            "forbidden",
            Platform.EDITOR,
            "label",
            "namespace",
            running.namespace(),
            "policy-test-"),
        attack(
            "forbidden",
            Platform.EDITOR,
            "delete",
            "validatingadmissionpolicybinding",
            "safegrad-safety-policy"),
        attack("forbidden", Platform.EDITOR, "create", "namespace", "elsewhere"),
        // What the operator made.
        attack(
            "only its operator does",
            Platform.EDITOR,
            inRun("patch", "configmap", plan, "--type=merge", "-p", "{\"data\": {\"x\": \"y\"}}")),
        attack(
            "only its operator does",
            Platform.EDITOR,
            inRun(
                "label",
                "configmap",
                plan,
                "app.kubernetes.io/managed-by-",
                "safegrad.io/safefinetune-")),
        attack(
            "only its operator does",
            Platform.EDITOR,
            inRun("set", "image", "pod/" + name(), "trainer=evil.example/trainer")),
        attack(
            "only its operator does",
            Platform.EDITOR,
            inRun("label", "pod", name(), "safegrad.io/safefinetune-")),
        attack(
            "only its operator does",
            Platform.EDITOR,
            inRun(
                "patch",
                "job",
                TestRun.NAME,
                "--type=merge",
                "-p",
                "{\"spec\": {\"activeDeadlineSeconds\": null}}")),
        attack("only its operator does", Platform.EDITOR, inRun("create", "-f", file(forgedPod()))),
        attack("only its operator does", Platform.EDITOR, inRun("create", "-f", file(forgedJob()))),
        attack(
            "only its operator does",
            Platform.EDITOR,
            inRun(
                "run",
                "forged",
                "--image=evil",
                "-l",
                "safegrad.io/safefinetune=" + TestRun.NAME)));
  }

  @ParameterizedTest
  @MethodSource("attacks")
  void anAttackIsRefused(String sentence, List<String> command) throws Exception {
    KubectlResult result = cluster.kubectl(command.toArray(String[]::new));
    assertThat(result.exitCode()).as(result.output()).isNotZero();
    assertThat(result.output()).contains(sentence);
    assertThat(running.resource().get().getStatus().phase()).isEqualTo(Phase.Preparing);
  }

  @Test
  void whatThePolicyAdmitsIsTaken() throws Exception {
    TestRun run = new TestRun(cluster, labels);
    platform.admitUsers(run.namespace());
    String strong =
        run.manifest(
            "method: {alignmentWeight: 0.5}",
            "safety: {gate: {minRefusalRate: 0.99}, evaluation: {task: \"pvc://team-data/t\"}}",
            "pod: {image: \"registry.example/safegrad/trainer:1\"}",
            "training: {maxSteps: 500}");
    KubectlResult result = as(Platform.TENANT, "apply", "-f", file(strong));
    assertThat(result.exitCode()).as(result.output()).isZero();
    run.awaitJob();
    assertThat(as(Platform.TENANT, "apply", "-f", file(strong)).output()).contains("unchanged");
  }

  @Test
  void anOldRunUnderATightenedPolicyMayStillBeSuspendedAndLabelled() throws Exception {
    Map<String, String> own = Platform.labels();
    TestRun run = new TestRun(cluster, own);
    run.create("method: {alignmentWeight: 0.1}").awaitJob();
    platform.policy("later", own, WeakSpecs.POLICY);
    platform.admitUsers(run.namespace());
    platform.awaitRefusal("apply", "--dry-run=server", "-f", file(weakTwin(run)));
    assertThat(
            as(Platform.TENANT, "label", "sft", TestRun.NAME, "-n", run.namespace(), "a=b")
                .output())
        .contains("labeled");
    assertThat(
            as(
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

  @Test
  void aNamespaceWithoutAPolicyIsFree() throws Exception {
    TestRun run = new TestRun(cluster);
    platform.admitUsers(run.namespace());
    KubectlResult result =
        as(Platform.TENANT, "apply", "-f", file(run.manifest("method: {name: Sft}")));
    assertThat(result.exitCode()).as(result.output()).isZero();
    run.awaitJob();
    assertThat(run.status().policyValues()).isNull();
  }

  private static final String WEAKER =
      """
      apiVersion: safegrad.io/v1alpha1
      kind: SafetyPolicy
      metadata: {name: weaker}
      spec: {requiredMethod: Sft}
      """;

  private static String weakTwin(TestRun run) {
    return run.manifest("method: {name: Sft}").replace(TestRun.NAME + "\n", "twin\n");
  }

  private String forgedPod() {
    return """
    apiVersion: v1
    kind: Pod
    metadata:
      name: forged
      namespace: %s
      labels: {safegrad.io/safefinetune: support-bot}
      ownerReferences:
      - {apiVersion: batch/v1, kind: Job, name: support-bot, uid: %s, controller: true}
    spec: {containers: [{name: trainer, image: evil}]}
    """
        .formatted(running.namespace(), running.awaitJob().getMetadata().getUid());
  }

  private String forgedJob() {
    return """
    apiVersion: batch/v1
    kind: Job
    metadata:
      name: forged
      namespace: %s
      labels: {app.kubernetes.io/managed-by: safegrad-operator}
    spec:
      template:
        metadata: {labels: {safegrad.io/safefinetune: support-bot}}
        spec: {restartPolicy: Never, containers: [{name: trainer, image: evil}]}
    """
        .formatted(running.namespace());
  }

  private String name() {
    return pod.getMetadata().getName();
  }

  private String[] status(String patch) {
    return inRun("patch", "sft", TestRun.NAME, "--subresource=status", "--type=merge", "-p", patch);
  }

  private Arguments change(String sentence, String user, String spec) {
    return attack(
        sentence,
        user,
        inRun("patch", "sft", TestRun.NAME, "--type=merge", "-p", "{\"spec\": " + spec + "}"));
  }

  private String[] inRun(String... command) {
    return Stream.concat(Stream.of("-n", running.namespace()), Stream.of(command))
        .toArray(String[]::new);
  }

  /**
   * One way to weaken the policy.
   *
   * @param user who tries; null for a cluster's administrator
   */
  private static Arguments attack(String sentence, String user, String... command) {
    List<String> arguments = new ArrayList<>(List.of(command));
    if (user != null) {
      arguments.addAll(0, List.of("--as", user));
    }
    return Arguments.of(sentence, arguments);
  }

  private KubectlResult as(String user, String... command) throws Exception {
    return cluster.kubectl(
        Stream.concat(Stream.of("--as", user), Stream.of(command)).toArray(String[]::new));
  }

  private String file(String yaml) throws Exception {
    Path file = Files.createTempFile(folder, "manifest", ".yaml");
    Files.writeString(file, yaml);
    return file.toString();
  }
}
