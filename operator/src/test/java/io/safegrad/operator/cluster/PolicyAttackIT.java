package io.safegrad.operator.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.safegrad.api.v1alpha1.Phase;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Ways around a policy, each refused by the API server with a sentence for its user. */
@ExtendWith(Cluster.Extension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PolicyAttackIT {

  /** The labels of what the operator makes. */
  private static final String OPERATORS = "app.kubernetes.io/managed-by: safegrad-operator";

  private static final String FINALIZER =
      "{\"metadata\": {\"finalizers\": [\"example.com/mine\"]}}";

  private final Cluster cluster;
  private AdmissionScene scene;

  PolicyAttackIT(Cluster cluster) {
    this.cluster = cluster;
  }

  @BeforeAll
  void setUp(@TempDir Path scratch) throws Exception {
    scene = new AdmissionScene(cluster, scratch);
  }

  @AfterAll
  void tearDown() throws Exception {
    scene.close();
  }

  Stream<Arguments> attacks() throws Exception {
    String weak = scene.file(scene.empty().manifest("method: {name: Sft}"));
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
            "safety cannot be changed",
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
        change("pod cannot be changed", Platform.TENANT, "{\"pod\": {\"image\": \"evil/x\"}}"),
        change("at most 3600", Platform.TENANT, "{\"activeDeadlineSeconds\": 86400}"),
        // A run that has not started.
        changeHeld("method.name: found Sft, SafeGrad", "{\"method\": {\"name\": \"Sft\"}}"),
        changeHeld(
            "gate.maxRefusalDrop: found 1", "{\"safety\": {\"gate\": {\"maxRefusalDrop\": 1.0}}}"),
        changeHeld(
            "evaluation.judge: found type StringList Qi2023/1",
            "{\"safety\": {\"evaluation\": {\"judge\": {\"stringList\": \"Qi2023/1\"}}}}"),
        changeHeld(
            "found file:///x", "{\"dataset\": {\"source\": \"file:///x\"}, \"suspend\": false}"),
        // The verdict.
        attack("forbidden", Platform.TENANT, status("{\"status\": {\"phase\": \"Succeeded\"}}")),
        attack("forbidden", Platform.EDITOR, status("{\"status\": {\"policyValues\": []}}")),
        attack("only its operator does", null, status("{\"status\": {\"phase\": \"Succeeded\"}}")),
        // The policy.
        attack("forbidden", Platform.TENANT, "delete", "safetypolicy", scene.policy()),
        attack(
            "forbidden",
            Platform.EDITOR,
            "patch",
            "safetypolicy",
            scene.policy(),
            "--type=merge",
            "-p",
            "{\"spec\": {\"requiredMethod\": null}}"),
        attack("forbidden", Platform.EDITOR, "create", "-f", scene.file(Forgery.POLICY)),
        attack(
            "forbidden",
            Platform.EDITOR,
            "label",
            "namespace",
            scene.running().namespace(),
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
            "field is immutable",
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
            inRun("set", "image", "pod/" + scene.pod(), "trainer=evil.example/trainer")),
        attack(
            "only its operator does",
            Platform.EDITOR,
            inRun("label", "pod", scene.pod(), "safegrad.io/safefinetune-")),
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
        attack(
            "only its operator does",
            Platform.EDITOR,
            inRun("create", "-f", scene.file(Forgery.pod(scene.running())))),
        attack(
            "only its operator does",
            Platform.EDITOR,
            inRun("create", "-f", scene.file(Forgery.job(scene.running(), OPERATORS)))),
        // Kubernetes makes pods of templates that anybody may write.
        attack(
            "only its operator does",
            Platform.EDITOR,
            inRun("create", "-f", scene.file(Forgery.job(scene.running(), "a: b")))),
        attack(
            "only its operator does",
            "system:serviceaccount:kube-system:cronjob-controller",
            inRun("create", "-f", scene.file(Forgery.job(scene.running(), "")))),
        attack(
            "only its operator does",
            "system:serviceaccount:kube-system:replicaset-controller",
            inRun(
                "create",
                "-f",
                scene.file(Forgery.pod(scene.running(), "apps/v1", "ReplicaSet", "forged")))),
        attack(
            "only its operator does",
            "system:serviceaccount:kube-system:job-controller",
            inRun(
                "create",
                "-f",
                scene.file(Forgery.pod(scene.running(), "batch/v1", "Job", "forged")))),
        // What hangs on the Job and the pod.
        attack(
            "only its operator does",
            Platform.EDITOR,
            inRun("annotate", "job", TestRun.NAME, "--overwrite", "safegrad.io/plan-digest=x")),
        attack(
            "only its operator does",
            Platform.EDITOR,
            inRun("label", "job", TestRun.NAME, "kueue.x-k8s.io/queue-name=mine")),
        attack(
            "only its operator does",
            Platform.EDITOR,
            inRun("patch", "job", TestRun.NAME, "--type=merge", "-p", FINALIZER)),
        attack(
            "only its operator does",
            Platform.EDITOR,
            inRun("patch", "pod", scene.pod(), "--type=merge", "-p", FINALIZER)),
        attack(
            "only its operator does",
            Platform.EDITOR,
            inRun(
                "patch",
                "pod",
                scene.pod(),
                "--type=merge",
                "-p",
                "{\"metadata\": {\"ownerReferences\": null}}")),
        attack(
            "only its operator does",
            null,
            inRun(
                "debug", scene.pod(), "--image=evil", "--target=trainer", "--profile=restricted")),
        attack("forbidden", Platform.TENANT, inRun("exec", scene.pod(), "--", "sh")),
        attack(
            "forbidden",
            Platform.TENANT,
            inRun("create", "-f", scene.file(Forgery.reader(scene.running())))),
        attack(
            "only its operator does",
            Platform.EDITOR,
            inRun(
                "run",
                "forged",
                "--image=evil",
                "--overrides=" + Forgery.RESTRICTED,
                "-l",
                "safegrad.io/safefinetune=" + TestRun.NAME)),
        attack(
            "only its operator does",
            Platform.EDITOR,
            inRun("delete", "networkpolicy", TestRun.NAME)),
        attack(
            "only its operator does",
            Platform.EDITOR,
            inRun(
                "patch",
                "networkpolicy",
                TestRun.NAME,
                "--type=merge",
                "-p",
                "{\"spec\": {\"policyTypes\": [\"Ingress\"]}}")),
        // What the auditor is to find.
        attack(
            "is a quarantine",
            Platform.EDITOR,
            inRun("create", "-f", scene.file(Forgery.reader(scene.running())))),
        attack(
            "is a quarantine",
            Platform.EDITOR,
            inRun("create", "-f", scene.file(Forgery.copy(scene.running())))),
        // What a user adds.
        changeHeld(
            "found pvc://other/x, one of",
            "{\"safety\": {\"alignment\": {\"additional\": [{\"source\": \"pvc://other/x\"}]}}}"),
        change(
            "safety cannot be changed",
            Platform.TENANT,
            "{\"safety\": {\"alignment\": {\"additional\": [{\"source\": \"builtin://x\"}]}}}"),
        changeHeld("found pvc://quarantine/x", "{\"model\": {\"source\": \"pvc://quarantine/x\"}}"),
        changeHeld(
            "nvidia.com/gpu: found 8, at most 2",
            "{\"pod\": {\"resources\": {\"limits\": {\"nvidia.com/gpu\": \"8\"}}}}"),
        // The operator's own rights.
        attack(
            "forbidden",
            Platform.EDITOR,
            "create",
            "token",
            "safegrad-operator",
            "-n",
            "safegrad-system"),
        attack(
            "forbidden",
            Platform.EDITOR,
            inRun("create", "rolebinding", "x", "--clusterrole=safegrad-operator", "--user=bob")),
        attack(
            "an admission probe is never written",
            null,
            inRun("label", "pod", scene.pod(), "safegrad.io/admission-probe=true")));
  }

  @ParameterizedTest
  @MethodSource("attacks")
  void anAttackIsRefused(String sentence, List<String> command) throws Exception {
    KubectlResult result = cluster.kubectl(command.toArray(String[]::new));
    assertThat(result.exitCode()).as(result.output()).isNotZero();
    assertThat(result.output()).contains(sentence);
    assertThat(scene.running().resource().get().getStatus().phase()).isEqualTo(Phase.Preparing);
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

  private Arguments changeHeld(String sentence, String spec) {
    return attack(
        sentence,
        Platform.TENANT,
        "patch",
        "sft",
        TestRun.NAME,
        "-n",
        scene.held().namespace(),
        "--type=merge",
        "-p",
        "{\"spec\": " + spec + "}");
  }

  private String[] inRun(String... command) {
    return Stream.concat(Stream.of("-n", scene.running().namespace()), Stream.of(command))
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
}
