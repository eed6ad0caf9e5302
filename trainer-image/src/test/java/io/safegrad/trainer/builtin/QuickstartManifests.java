package io.safegrad.trainer.builtin;

import io.safegrad.api.Manifest;
import io.safegrad.api.v1alpha1.SafeFineTune;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The two manifests that a new user applies first. */
final class QuickstartManifests {

  private QuickstartManifests() {}

  static SafeFineTune safeGrad() {
    return read("quickstart.yaml");
  }

  static SafeFineTune sft() {
    return read("quickstart-sft.yaml");
  }

  private static SafeFineTune read(String file) {
    try {
      return Manifest.read(Files.readString(Path.of("..", "deploy", "examples", file)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
