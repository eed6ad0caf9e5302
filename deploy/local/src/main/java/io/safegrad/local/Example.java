package io.safegrad.local;

import io.safegrad.api.Manifest;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.controlplane.FileTree;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A run that the quickstart shows.
 *
 * @param manifest its file
 * @param resource what the file says
 */
record Example(Path manifest, SafeFineTune resource) {

  static Example read(Path manifest) {
    try {
      return new Example(manifest, Manifest.read(Files.readString(manifest)));
    } catch (IOException e) {
      throw new LocalException(manifest + " cannot be read: " + e);
    }
  }

  /** The method as the manifest names it. */
  String method() {
    return resource.getSpec().method().name().name();
  }

  /**
   * Removes what an earlier quickstart has published: its plan may have been another one, and a
   * trainer never writes over another plan's adapter.
   *
   * @param claims the folder with a folder for each claim
   */
  void removeEarlierResult(Path claims) {
    String destination = resource.getSpec().output().destination();
    String scheme = "pvc://";
    if (destination.startsWith(scheme)) {
      Path folder = claims.resolve(destination.substring(scheme.length()));
      try {
        FileTree.delete(folder);
      } catch (IOException e) {
        throw new LocalException("cannot remove " + folder + ": " + e);
      }
    }
  }
}
