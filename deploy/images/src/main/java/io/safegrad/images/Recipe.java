package io.safegrad.images;

import com.google.cloud.tools.jib.api.JibContainerBuilder;
import com.google.cloud.tools.jib.api.buildplan.AbsoluteUnixPath;
import com.google.cloud.tools.jib.api.buildplan.FileEntriesLayer;
import com.google.cloud.tools.jib.api.buildplan.FilePermissions;
import com.google.cloud.tools.jib.api.buildplan.Platform;
import com.google.cloud.tools.jib.api.buildplan.Port;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Which files an image has, and how it starts. What changes seldom comes first, so that a new
 * version of ours is a small layer.
 *
 * @param base the image it stands on, pinned by digest
 * @param entryPoint the command
 * @param environment variables it sets
 * @param port where it listens
 */
record Recipe(
    String title,
    String base,
    List<FileEntriesLayer> layers,
    List<String> entryPoint,
    Map<String, String> environment,
    int port) {

  /** Where everything of ours lies in an image. */
  static final String HOME = "/opt/safegrad";

  /** The trainer's libraries, in the repository. */
  private static final String LIBRARIES = "trainer-image/target/lib";

  /** Java and a C library, no shell. */
  private static final String DISTROLESS =
      "gcr.io/distroless/java17-debian12:nonroot"
          + "@sha256:06484c2a9dcc9070aeafbc0fe752cb9f73bc0cea5c311f6a516e9010061998ad";

  /** The trainer's launch script is Bash's, and libtorch needs the C++ library. */
  private static final String TEMURIN =
      "eclipse-temurin:17-jre"
          + "@sha256:13cc28a6cc72a38ce1f00c906be3580c1a3e604b8984d694f369a96742abc93b";

  /** "nonroot" of the distroless images; as the operator's and the trainer's pods run. */
  private static final String USER = "65532:65532";

  /** Two builds of the same files are the same image. */
  private static final Instant CREATED = Instant.EPOCH;

  /** The operator, as {@code ./mvnw -pl operator -am package} leaves it. */
  static Recipe operator(Path repository) throws IOException {
    Path built = built(repository.resolve("operator/target/quarkus-app"));
    FileEntriesLayer.Builder own = FileEntriesLayer.builder().setName("operator");
    for (String name : List.of("app", "quarkus")) {
      own.addEntryRecursive(built.resolve(name), inside(name));
    }
    own.addEntry(built.resolve("quarkus-run.jar"), inside("quarkus-run.jar"));
    addSbom(own, repository.resolve("operator"));
    return new Recipe(
        "SafeGrad Operator",
        DISTROLESS,
        List.of(folder("libraries", built.resolve("lib"), "lib"), own.build()),
        List.of(
            "java",
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-XX:MaxRAMPercentage=60",
            "-jar",
            HOME + "/quarkus-run.jar"),
        Map.of(),
        8080);
  }

  /**
   * The trainer for CPUs, as {@code ./mvnw -pl trainer-image -am package} leaves it.
   *
   * @param natives a {@code DJL_CACHE_DIR} in which libtorch is unpacked: the pod has no place for
   *     that
   */
  static Recipe trainer(Path repository, Path natives) throws IOException {
    return trainer(
        "SafeGrad trainer (CPU)",
        repository,
        List.of(
            folder("libtorch", built(natives), "djl"),
            folder("libraries", built(repository.resolve(LIBRARIES)), "lib")),
        Map.of("DJL_CACHE_DIR", HOME + "/djl"));
  }

  /**
   * The trainer on another libtorch, for GPUs. The jar with the libtorch for CPUs is left out, and
   * the libtorch has the library that DJL calls it by beside it: nothing is unpacked at the start.
   *
   * @param libtorch its libraries lie in the image as they lie in its folder
   * @param natives a {@code DJL_CACHE_DIR}, of which the tokenizer's library is taken
   */
  static Recipe trainer(Path repository, Path natives, Libtorch libtorch) throws IOException {
    Path libraries = built(repository.resolve(LIBRARIES));
    FileEntriesLayer.Builder torch = FileEntriesLayer.builder().setName("libtorch");
    for (Path library : libtorch.libraries()) {
      torch.addEntry(libtorch.folder().resolve(library), inside("libtorch/" + library));
    }
    String home = "libtorch/" + libtorch.home();
    torch.addEntry(libtorch.jni(libraries), inside(home + "/" + libtorch.jniName(libraries)));
    FileEntriesLayer.Builder jars = FileEntriesLayer.builder().setName("libraries");
    try (Stream<Path> files = Files.list(libraries)) {
      for (Path jar : files.filter(Libtorch::isNotForCpus).sorted().toList()) {
        jars.addEntry(jar, inside("lib/" + jar.getFileName()));
      }
    }
    return trainer(
        "SafeGrad trainer (%s)".formatted(libtorch.flavor()),
        repository,
        List.of(
            torch.build(),
            folder("tokenizers", built(natives.resolve("tokenizers")), "djl/tokenizers"),
            jars.build()),
        Map.of(
            "DJL_CACHE_DIR",
            HOME + "/djl",
            "PYTORCH_LIBRARY_PATH",
            HOME + "/" + home,
            "PYTORCH_VERSION",
            libtorch.version(),
            "PYTORCH_FLAVOR",
            libtorch.flavor(),
            // What NVIDIA's runtime lays into the container beside the device.
            "NVIDIA_DRIVER_CAPABILITIES",
            "compute,utility"));
  }

  private static Recipe trainer(
      String title,
      Path repository,
      List<FileEntriesLayer> libraries,
      Map<String, String> environment)
      throws IOException {
    Path module = repository.resolve("trainer-image");
    FileEntriesLayer.Builder own = FileEntriesLayer.builder().setName("trainer");
    own.addEntry(
        module.resolve("bin/safegrad-trainer"),
        inside("bin/safegrad-trainer"),
        FilePermissions.fromOctalString("755"));
    try (Stream<Path> jars = Files.list(built(repository.resolve(LIBRARIES)).getParent())) {
      for (Path jar : jars.filter(file -> file.toString().endsWith(".jar")).sorted().toList()) {
        own.addEntry(jar, inside(jar.getFileName().toString()));
      }
    }
    addSbom(own, module);
    return new Recipe(
        title,
        TEMURIN,
        Stream.concat(libraries.stream(), Stream.of(own.build())).toList(),
        List.of(HOME + "/bin/safegrad-trainer"),
        environment,
        9400);
  }

  /** Puts all of it on a base. */
  JibContainerBuilder on(JibContainerBuilder base, Architecture architecture, String version) {
    return base.setPlatforms(Set.of(new Platform(architecture.name(), "linux")))
        .setFileEntriesLayers(layers)
        .setEntrypoint(entryPoint)
        .setEnvironment(environment)
        .setExposedPorts(Port.tcp(port))
        .setUser(USER)
        .setCreationTime(CREATED)
        .setLabels(
            Map.of(
                "org.opencontainers.image.title",
                title,
                "org.opencontainers.image.version",
                version,
                "org.opencontainers.image.licenses",
                "Apache-2.0",
                "org.opencontainers.image.source",
                "https://github.com/safegrad/safegrad-operator",
                "org.opencontainers.image.base.name",
                this.base));
  }

  private static FileEntriesLayer folder(String name, Path folder, String target)
      throws IOException {
    return FileEntriesLayer.builder()
        .setName(name)
        .addEntryRecursive(folder, inside(target))
        .build();
  }

  /** CycloneDX' list of all that is in it, written when the module is packaged. */
  private static void addSbom(FileEntriesLayer.Builder layer, Path module) {
    layer.addEntry(built(module.resolve("target/bom.json")), inside("sbom.cdx.json"));
  }

  private static AbsoluteUnixPath inside(String path) {
    return AbsoluteUnixPath.get(HOME).resolve(path);
  }

  private static Path built(Path path) {
    if (!Files.exists(path)) {
      throw new IllegalArgumentException(
          path + " is missing; deploy/images/build.sh makes it before it builds an image");
    }
    return path;
  }
}
