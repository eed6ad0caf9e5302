package io.safegrad.images;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** What an image is for, in the words of OCI. */
enum Architecture {
  amd64("linux-x86_64"),
  arm64("linux-aarch64");

  static final Architecture OF_THIS_MACHINE =
      System.getProperty("os.arch").equals("aarch64") ? arm64 : amd64;

  /** In the words of DJL, which stand in the names of the folders it unpacks into. */
  private final String platform;

  Architecture(String platform) {
    this.platform = platform;
  }

  /**
   * Libraries of another one would fail in the pod, and nowhere before.
   *
   * @param natives a {@code DJL_CACHE_DIR}
   */
  void requireLibraries(Path natives) throws IOException {
    for (Architecture other : values()) {
      try (Stream<Path> unpacked = Files.walk(natives, 2)) {
        if (other != this
            && unpacked.anyMatch(one -> one.getFileName().toString().endsWith(other.platform))) {
          throw new IllegalArgumentException(
              "%s has libraries of %s; expected %s, for an image of %s"
                  .formatted(natives, other.platform, platform, this));
        }
      }
    }
  }
}
