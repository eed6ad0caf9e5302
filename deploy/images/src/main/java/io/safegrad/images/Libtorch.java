package io.safegrad.images;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * A libtorch as PyTorch publishes it, unpacked.
 *
 * @param version as 2.7.1
 * @param flavor what it computes on, as cu128
 */
record Libtorch(Path folder, String version, String flavor) {

  private static final Pattern BUILD_VERSION = Pattern.compile("([0-9.]+)\\+(\\w+)");
  private static final Pattern JNI = Pattern.compile("pytorch-jni-([0-9.]+)-([0-9.]+)\\.jar");
  private static final String LIBRARY = "libdjl_torch.so";

  /** Reads what it says of itself. */
  static Libtorch of(Path folder) throws IOException {
    Path file = folder.resolve("build-version");
    Matcher said =
        BUILD_VERSION.matcher(Files.isRegularFile(file) ? Files.readString(file).strip() : "");
    if (!said.matches()) {
      throw new IllegalArgumentException(
          file
              + ": expected the version of a libtorch, as 2.7.1+cu128: --libtorch is the folder"
              + " that its zip unpacks to");
    }
    return new Libtorch(folder, said.group(1), said.group(2));
  }

  Path libraries() {
    return folder.resolve("lib");
  }

  /** Under this name DJL looks for its library beside libtorch's before anywhere else. */
  String jniName(Path jars) throws IOException {
    return jniJar(jars).group(2) + "-" + LIBRARY;
  }

  /** The library of DJL's that was built against it, unpacked. */
  Path jni(Path jars) throws IOException {
    Matcher jar = jniJar(jars);
    if (!jar.group(1).equals(version)) {
      throw new IllegalArgumentException(
          "%s is libtorch %s; expected %s, which DJL was built against"
              .formatted(folder, version, jar.group(1)));
    }
    String name = "jnilib/linux-x86_64/" + flavor + "/" + LIBRARY;
    try (ZipFile zip = new ZipFile(jars.resolve(jar.group()).toFile())) {
      ZipEntry entry = zip.getEntry(name);
      if (entry == null) {
        throw new IllegalArgumentException(
            "%s has no %s; expected a libtorch that DJL was built against"
                .formatted(jar.group(), name));
      }
      Path unpacked = Files.createTempDirectory("safegrad-images").resolve(LIBRARY);
      unpacked.toFile().deleteOnExit();
      unpacked.getParent().toFile().deleteOnExit();
      try (InputStream library = zip.getInputStream(entry)) {
        Files.copy(library, unpacked, StandardCopyOption.REPLACE_EXISTING);
      }
      return unpacked;
    }
  }

  private static Matcher jniJar(Path jars) throws IOException {
    try (Stream<Path> files = Files.list(jars)) {
      return files
          .map(file -> JNI.matcher(file.getFileName().toString()))
          .filter(Matcher::matches)
          .findFirst()
          .orElseThrow(() -> new IllegalArgumentException(jars + " has no pytorch-jni"));
    }
  }

  /** A libtorch for CPUs on the class path would be taken instead. */
  static boolean isNotForCpus(Path jar) {
    return !jar.getFileName().toString().startsWith("pytorch-native-cpu");
  }
}
