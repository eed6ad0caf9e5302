package io.safegrad.controlplane;

import java.util.Locale;

/** The machine in Go's words, for example {@code linux-amd64}. */
record Platform(String os, String architecture) {

  static Platform ofThisMachine() {
    String name = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    String os = name.startsWith("mac") ? "darwin" : name.split(" ")[0];
    String architecture =
        switch (System.getProperty("os.arch")) {
          case "amd64", "x86_64" -> "amd64";
          case "aarch64", "arm64" -> "arm64";
          default -> System.getProperty("os.arch");
        };
    return new Platform(os, architecture);
  }

  @Override
  public String toString() {
    return os + "-" + architecture;
  }
}
