package io.safegrad.images;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * A libtorch as PyTorch publishes it: its zip unpacked, or torch of PyPI installed into a folder,
 * with the libraries of CUDA that it needs.
 *
 * @param home where in the folder libtorch's own libraries are; those find the others from there
 * @param version as 2.7.1
 * @param flavor what it computes on, as cu126
 */
record Libtorch(Path folder, String home, String version, String flavor) {

  private static final Pattern BUILD = Pattern.compile("([0-9.]+)\\+(\\w+)");
  private static final Pattern JNI = Pattern.compile("pytorch-jni-([0-9.]+)-([0-9.]+)\\.jar");
  private static final String LIBRARY = "libdjl_torch.so";

  /** They need Python's own library. */
  private static final List<String> OF_PYTHON = List.of("libtorch_python.so", "libshm.so");

  /** Reads what it says of itself. */
  static Libtorch of(Path folder) throws IOException {
    Path zip = folder.resolve("build-version");
    Path wheel = folder.resolve("torch/version.py");
    boolean installed = Files.isRegularFile(wheel);
    Path file = installed ? wheel : zip;
    Matcher said = BUILD.matcher(Files.isRegularFile(file) ? Files.readString(file) : "");
    if (!said.find()) {
      throw new IllegalArgumentException(
          ("%s and %s: expected the version of a libtorch, as 2.7.1+cu126, in one of them:"
                  + " --libtorch is the folder that its zip unpacks to, or that pip installed"
                  + " torch into")
              .formatted(zip, wheel));
    }
    return new Libtorch(folder, installed ? "torch/lib" : "lib", said.group(1), said.group(2));
  }

  /** The libraries of libtorch and of CUDA, by their place in the folder. */
  List<Path> libraries() throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files
          .filter(file -> file.getParent().endsWith("lib"))
          .filter(file -> file.getFileName().toString().matches(".+\\.so(\\.\\d+)*"))
          .filter(file -> !OF_PYTHON.contains(file.getFileName().toString()))
          .map(folder::relativize)
          .sorted()
          .toList();
    }
  }

  /** Under this name DJL looks for its library beside libtorch's before anywhere else. */
  String jniName(Path jars) throws IOException {
    return jniJar(jars).group(2) + "-" + LIBRARY;
  }

  /**
   * The library of DJL's that was built against it, unpacked. Of CUDA that one asks for nothing but
   * what is in libtorch: built for one minor version, it is for all of the same major one.
   */
  Path jni(Path jars) throws IOException {
    Matcher jar = jniJar(jars);
    if (!jar.group(1).equals(version)) {
      throw new IllegalArgumentException(
          "%s is libtorch %s; expected %s, which DJL was built against"
              .formatted(folder, version, jar.group(1)));
    }
    String family = flavor.replaceFirst("^(cu\\d+)\\d$", "$1");
    Pattern name =
        Pattern.compile("jnilib/linux-x86_64/" + Pattern.quote(family) + "\\d*/" + LIBRARY);
    try (ZipFile zip = new ZipFile(jars.resolve(jar.group()).toFile())) {
      ZipEntry entry =
          zip.stream()
              .filter(one -> name.matcher(one.getName()).matches())
              .findFirst()
              .orElseThrow(
                  () ->
                      new IllegalArgumentException(
                          "%s has no library for %s; expected a libtorch that DJL was built against"
                              .formatted(jar.group(), flavor)));
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
