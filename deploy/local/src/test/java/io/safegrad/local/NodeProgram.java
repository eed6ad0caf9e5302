package io.safegrad.local;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.safegrad.controlplane.ControlPlane;
import io.safegrad.local.node.Image;
import io.safegrad.local.node.NodeAgent;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

/** The node agent as a process of its own, to be killed by a test. */
final class NodeProgram {

  /** The trainer on a disk that takes files of 16 KiB at most. */
  static final String FULL_DISK_IMAGE = "safegrad.local/trainer:full-disk";

  private NodeProgram() {}

  /**
   * @param arguments kubeconfig, folder of the pods, certificate and its key, the trainer's
   *     program, the folder of its libraries
   */
  public static void main(String[] arguments) throws InterruptedException {
    Map<String, String> environment =
        Map.of("DJL_CACHE_DIR", arguments[5], "JAVA_OPTS", "-XX:-UsePerfData");
    Image trainer = new Image(List.of(arguments[4]), environment);
    Image full =
        new Image(
            List.of("bash", "-c", "ulimit -f 16; exec \"$0\" \"$@\"", arguments[4]), environment);
    NodeAgent.start(
        new KubernetesClientBuilder()
            .withConfig(Config.fromKubeconfig(Path.of(arguments[0]).toFile()))
            .build(),
        ControlPlane.NODE_NAME,
        Path.of(arguments[1]),
        Map.of(Repository.TRAINER_IMAGE, trainer, FULL_DISK_IMAGE, full),
        Path.of(arguments[2]),
        Path.of(arguments[3]));
    new CountDownLatch(1).await();
  }
}
