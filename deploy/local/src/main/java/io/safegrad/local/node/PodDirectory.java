package io.safegrad.local.node;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.VolumeMount;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A pod's files: {@code volumes/<volume>}, and for each container {@code <container>/rootfs} with a
 * link at each mount path, {@code home} and {@code log}.
 *
 * @param root the pod's folder
 */
record PodDirectory(Path root) {

  Path volumes() {
    return root.resolve("volumes");
  }

  Path volume(String name) {
    return volumes().resolve(name);
  }

  Path log(Container container) {
    return of(container).resolve("log");
  }

  Path home(Container container) {
    return of(container).resolve("home");
  }

  Path temporary(Container container) {
    return inside(container, "/tmp");
  }

  Path terminationLog(Container container) {
    return inside(container, container.getTerminationMessagePath());
  }

  /** Where a path of the container lies on this machine. */
  Path inside(Container container, String path) {
    return rootfs(container).resolve(path.replaceFirst("^/+", ""));
  }

  /** Makes what the container finds when it starts: links to its volumes, an empty message file. */
  void prepare(Container container) throws IOException {
    Files.createDirectories(home(container));
    for (VolumeMount mount : container.getVolumeMounts()) {
      Path target = volume(mount.getName());
      if (mount.getSubPath() != null) {
        target = target.resolve(mount.getSubPath());
        if (!Files.exists(target)) {
          Files.createDirectories(target);
        }
      }
      Path link = inside(container, mount.getMountPath());
      Files.createDirectories(link.getParent());
      Files.deleteIfExists(link);
      Files.createSymbolicLink(link, target);
    }
    Files.createDirectories(temporary(container));
    Path message = terminationLog(container);
    Files.createDirectories(message.getParent());
    Files.deleteIfExists(message);
    Files.createFile(message);
  }

  private Path of(Container container) {
    return root.resolve(container.getName());
  }

  private Path rootfs(Container container) {
    return of(container).resolve("rootfs");
  }
}
