package io.safegrad.local.node;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.DownwardAPIVolumeFile;
import io.fabric8.kubernetes.api.model.HostPathVolumeSource;
import io.fabric8.kubernetes.api.model.KeyToPath;
import io.fabric8.kubernetes.api.model.PersistentVolume;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeProjection;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Lays a pod's volumes out as folders. */
final class Volumes {

  private final KubernetesClient client;
  private final ApiAccess apiAccess;

  Volumes(KubernetesClient client, ApiAccess apiAccess) {
    this.client = client;
    this.apiAccess = apiAccess;
  }

  ApiAccess apiAccess() {
    return apiAccess;
  }

  /**
   * Makes every volume of the pod. Harmless to repeat after a failure.
   *
   * @throws NotRunnableException when something a volume refers to is not there yet
   */
  void create(Pod pod, String address, PodDirectory directory)
      throws IOException, NotRunnableException {
    Files.createDirectories(directory.volumes());
    for (Volume volume : pod.getSpec().getVolumes()) {
      create(volume, pod, address, directory.volume(volume.getName()));
    }
  }

  private void create(Volume volume, Pod pod, String address, Path folder)
      throws IOException, NotRunnableException {
    String namespace = pod.getMetadata().getNamespace();
    if (volume.getEmptyDir() != null) {
      Files.createDirectories(folder);
    } else if (volume.getConfigMap() != null) {
      var source = volume.getConfigMap();
      boolean optional = Boolean.TRUE.equals(source.getOptional());
      write(folder, configMap(namespace, source.getName(), optional), source.getItems());
    } else if (volume.getSecret() != null) {
      var source = volume.getSecret();
      boolean optional = Boolean.TRUE.equals(source.getOptional());
      write(folder, secret(namespace, source.getSecretName(), optional), source.getItems());
    } else if (volume.getDownwardAPI() != null) {
      writeFields(folder, volume.getDownwardAPI().getItems(), pod, address);
    } else if (volume.getHostPath() != null) {
      link(folder, hostPath(volume.getHostPath()));
    } else if (volume.getPersistentVolumeClaim() != null) {
      link(folder, claimed(namespace, volume.getPersistentVolumeClaim().getClaimName()));
    } else if (volume.getProjected() != null) {
      Files.createDirectories(folder);
      for (VolumeProjection projection : volume.getProjected().getSources()) {
        project(projection, pod, address, folder);
      }
    } else {
      throw NotRunnableException.configuration(
          "volume %s: this node has configMap, secret, emptyDir, hostPath, downwardAPI, projected"
                  .formatted(volume.getName())
              + " and persistentVolumeClaim volumes only");
    }
  }

  private void project(VolumeProjection projection, Pod pod, String address, Path folder)
      throws IOException, NotRunnableException {
    String namespace = pod.getMetadata().getNamespace();
    if (projection.getConfigMap() != null) {
      var source = projection.getConfigMap();
      boolean optional = Boolean.TRUE.equals(source.getOptional());
      write(folder, configMap(namespace, source.getName(), optional), source.getItems());
    } else if (projection.getSecret() != null) {
      var source = projection.getSecret();
      boolean optional = Boolean.TRUE.equals(source.getOptional());
      write(folder, secret(namespace, source.getName(), optional), source.getItems());
    } else if (projection.getDownwardAPI() != null) {
      writeFields(folder, projection.getDownwardAPI().getItems(), pod, address);
    } else if (projection.getServiceAccountToken() != null) {
      var source = projection.getServiceAccountToken();
      Files.writeString(folder.resolve(source.getPath()), apiAccess.token(pod, source));
    } else {
      throw NotRunnableException.configuration(
          "this node projects configMap, secret, downwardAPI and serviceAccountToken only");
    }
  }

  /** The data of a ConfigMap; empty when it is optional and missing. */
  Map<String, byte[]> configMap(String namespace, String name, boolean optional)
      throws NotRunnableException {
    ConfigMap found = client.configMaps().inNamespace(namespace).withName(name).get();
    if (found == null && !optional) {
      throw NotRunnableException.configuration("configmap \"" + name + "\" not found");
    }
    Map<String, byte[]> data = new HashMap<>();
    if (found != null && found.getData() != null) {
      found.getData().forEach((key, text) -> data.put(key, text.getBytes(StandardCharsets.UTF_8)));
    }
    if (found != null && found.getBinaryData() != null) {
      found.getBinaryData().forEach((key, text) -> data.put(key, Base64.getDecoder().decode(text)));
    }
    return data;
  }

  /** The data of a Secret; empty when it is optional and missing. */
  Map<String, byte[]> secret(String namespace, String name, boolean optional)
      throws NotRunnableException {
    Secret found = client.secrets().inNamespace(namespace).withName(name).get();
    if (found == null && !optional) {
      throw NotRunnableException.configuration("secret \"" + name + "\" not found");
    }
    Map<String, byte[]> data = new HashMap<>();
    if (found != null && found.getData() != null) {
      found.getData().forEach((key, text) -> data.put(key, Base64.getDecoder().decode(text)));
    }
    return data;
  }

  private static void write(Path folder, Map<String, byte[]> data, List<KeyToPath> items)
      throws IOException, NotRunnableException {
    Files.createDirectories(folder);
    if (items == null || items.isEmpty()) {
      for (Map.Entry<String, byte[]> entry : data.entrySet()) {
        Files.write(folder.resolve(entry.getKey()), entry.getValue());
      }
      return;
    }
    for (KeyToPath item : items) {
      byte[] content = data.get(item.getKey());
      if (content == null) {
        throw NotRunnableException.configuration("references non-existent key: " + item.getKey());
      }
      Path file = folder.resolve(item.getPath());
      Files.createDirectories(file.getParent());
      Files.write(file, content);
    }
  }

  private static void writeFields(
      Path folder, List<DownwardAPIVolumeFile> items, Pod pod, String address)
      throws IOException, NotRunnableException {
    for (DownwardAPIVolumeFile item : items) {
      if (item.getFieldRef() == null) {
        throw NotRunnableException.configuration(
            "downwardAPI volume item %s: this node knows fieldRef only".formatted(item.getPath()));
      }
      Path file = folder.resolve(item.getPath());
      Files.createDirectories(file.getParent());
      Files.writeString(
          file, FieldReferences.field(pod, address, item.getFieldRef().getFieldPath()));
    }
  }

  private Path claimed(String namespace, String name) throws IOException, NotRunnableException {
    PersistentVolumeClaim claim =
        client.persistentVolumeClaims().inNamespace(namespace).withName(name).get();
    if (claim == null || claim.getSpec().getVolumeName() == null) {
      throw NotRunnableException.configuration(
          "persistentvolumeclaim \"%s\" %s"
              .formatted(name, claim == null ? "not found" : "is not bound to a volume"));
    }
    String volumeName = claim.getSpec().getVolumeName();
    PersistentVolume volume = client.persistentVolumes().withName(volumeName).get();
    if (volume != null && volume.getSpec().getHostPath() != null) {
      return hostPath(volume.getSpec().getHostPath());
    }
    if (volume != null && volume.getSpec().getLocal() != null) {
      return existing(Path.of(volume.getSpec().getLocal().getPath()));
    }
    throw NotRunnableException.configuration(
        "persistentvolume \"%s\": this node has hostPath and local volumes only"
            .formatted(volumeName));
  }

  private static Path hostPath(HostPathVolumeSource source)
      throws IOException, NotRunnableException {
    Path path = Path.of(source.getPath());
    if ("DirectoryOrCreate".equals(source.getType())) {
      Files.createDirectories(path);
    }
    return existing(path);
  }

  private static Path existing(Path path) throws NotRunnableException {
    if (!Files.exists(path)) {
      throw NotRunnableException.configuration("hostPath " + path + " does not exist");
    }
    return path;
  }

  private static void link(Path link, Path target) throws IOException {
    Files.deleteIfExists(link);
    Files.createSymbolicLink(link, target);
  }
}
