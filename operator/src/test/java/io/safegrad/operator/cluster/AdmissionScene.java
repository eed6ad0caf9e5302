package io.safegrad.operator.cluster;

import io.fabric8.kubernetes.api.model.Pod;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.operator.WeakSpecs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A cluster in which admission is in force: a strict policy, three namespaces under it, two users.
 */
final class AdmissionScene implements AutoCloseable {

  private static final String[] POLICIES = {
    "safegrad-safety-policy", "safegrad-trainer-objects", "safegrad-quarantine"
  };

  private final Cluster cluster;
  private final Platform platform;
  private final Path folder;
  private final Map<String, String> labels = Platform.labels();
  private final TestRun empty;
  private final TestRun held;
  private final TestRun running;
  private final Pod pod;
  private final String policy;

  AdmissionScene(Cluster cluster, Path folder) throws Exception {
    this.cluster = cluster;
    this.folder = folder;
    platform = new Platform(cluster);
    platform.install("safety-policy.yaml");
    platform.install("trainer-objects.yaml");
    platform.install("quarantine.yaml");
    platform.install("tenant-role.yaml");
    policy = platform.policy("strict", labels, WeakSpecs.POLICY).getMetadata().getName();
    empty = new TestRun(cluster, labels);
    held = new TestRun(cluster, labels).create("suspend: true");
    running = new TestRun(cluster, labels);
    for (TestRun run : new TestRun[] {empty, held, running}) {
      platform.admitUsers(run.namespace());
    }
    platform.awaitRefusal(weakCommand());
    running.create();
    pod = running.awaitPod();
    new FakeNode(cluster.client()).starts(pod, "127.1.9.1");
    running.awaitPhase(Phase.Preparing);
    platform.awaitRefusal(touchPod());
  }

  Platform platform() {
    return platform;
  }

  Map<String, String> labels() {
    return labels;
  }

  /** The strict policy's name. */
  String policy() {
    return policy;
  }

  /** A namespace under the policy in which nothing is stored. */
  TestRun empty() {
    return empty;
  }

  /** A run under the policy that its user holds back. */
  TestRun held() {
    return held;
  }

  /** A run under the policy that has started. */
  TestRun running() {
    return running;
  }

  /** The name of the started run's pod. */
  String pod() {
    return pod.getMetadata().getName();
  }

  /** Runs kubectl as a user. */
  KubectlResult as(String user, String... command) throws Exception {
    return cluster.kubectl(
        Stream.concat(Stream.of("--as", user), Stream.of(command)).toArray(String[]::new));
  }

  /** A file with the manifest. */
  String file(String yaml) throws IOException {
    Path file = Files.createTempFile(folder, "manifest", ".yaml");
    Files.writeString(file, yaml);
    return file.toString();
  }

  private String[] weakCommand() throws IOException {
    return new String[] {
      "apply", "--dry-run=server", "-f", file(empty.manifest("method: {name: Sft}"))
    };
  }

  private String[] touchPod() {
    return new String[] {
      "annotate", "--dry-run=server", "--overwrite", "-n", running.namespace(), "pod", pod(), "x=y"
    };
  }

  /** Takes admission out of force again. */
  @Override
  public void close() throws Exception {
    String[] command =
        Stream.concat(Stream.of("delete", "validatingadmissionpolicybinding"), Stream.of(POLICIES))
            .toArray(String[]::new);
    cluster.kubectl(command);
    platform.awaitLeave(weakCommand());
    platform.awaitLeave(touchPod());
    platform.close();
  }
}
