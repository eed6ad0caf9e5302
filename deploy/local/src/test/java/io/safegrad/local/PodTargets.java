package io.safegrad.local;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Objects;

/**
 * Plays Prometheus' discovery of pods, which Debian's Prometheus is built without: a file of
 * targets with the labels that it would give them, kept as the pods of the cluster are.
 */
final class PodTargets implements ResourceEventHandler<Pod>, AutoCloseable {

  private static final String META = "__meta_kubernetes_";
  private static final String TRAINER_PORT = ":9400";
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path file;
  private final SharedIndexInformer<Pod> informer;

  PodTargets(KubernetesClient client, Path file) throws IOException {
    this.file = file;
    Files.createDirectories(file.getParent());
    Files.writeString(file, "[]");
    informer = client.pods().inAnyNamespace().inform(this);
  }

  @Override
  public void onAdd(Pod pod) {
    write();
  }

  @Override
  public void onUpdate(Pod before, Pod pod) {
    write();
  }

  @Override
  public void onDelete(Pod pod, boolean finalStateUnknown) {
    write();
  }

  @Override
  public void close() {
    informer.close();
  }

  private synchronized void write() {
    if (informer == null) {
      return; // It has just begun; what it finds then comes again.
    }
    ArrayNode groups = JSON.createArrayNode();
    informer.getStore().list().stream()
        .filter(pod -> Objects.nonNull(pod.getStatus().getPodIP()))
        .forEach(pod -> add(groups.addObject(), pod));
    try {
      Path written = Files.writeString(file.resolveSibling("targets.new"), groups.toString());
      Files.move(written, file, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void add(ObjectNode group, Pod pod) {
    group.putArray("targets").add(pod.getStatus().getPodIP() + TRAINER_PORT);
    ObjectNode labels = group.putObject("labels");
    labels.put(META + "namespace", pod.getMetadata().getNamespace());
    labels.put(META + "pod_name", pod.getMetadata().getName());
    labels.put(META + "pod_phase", pod.getStatus().getPhase());
    pod.getMetadata()
        .getLabels()
        .forEach(
            (name, value) ->
                labels.put(META + "pod_label_" + name.replaceAll("[^a-zA-Z0-9]", "_"), value));
  }
}
