package io.safegrad.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Images as {@code build.sh --tar} makes them of the packaged programs, but without the base, which
 * has to come from a registry: what is in them runs here with this machine's Java.
 */
class ImagesIT {

  private static final Path REPOSITORY = Path.of("..", "..").toAbsolutePath().normalize();

  @TempDir Path folder;

  @Test
  void theOperatorStartsFromItsImage() throws IOException {
    UnpackedImage image = build("operator");
    assertConfig(image.config(), "SafeGrad Operator", "8080/tcp");
    // Without a cluster it says so, once all of it is loaded.
    String output =
        image.run(
            Map.of(
                "KUBERNETES_MASTER", "https://127.0.0.1:1",
                "QUARKUS_HTTP_HOST", "127.0.0.1",
                "QUARKUS_HTTP_PORT", "0",
                "KUBERNETES_REQUEST_RETRY_BACKOFFLIMIT", "0"));
    assertThat(output)
        .contains("error: the API server https://127.0.0.1:1/ cannot be asked for the CRD")
        .endsWith("exit code 1");
  }

  @Test
  void theTrainerStartsFromItsImage() throws IOException {
    Path natives = Files.createDirectories(folder.resolve("djl/pytorch"));
    Files.writeString(natives.resolve("libtorch.so"), "stands for half a gigabyte");
    UnpackedImage image = build("trainer", "--natives", natives.getParent().toString());
    assertConfig(image.config(), "SafeGrad trainer (CPU)", "9400/tcp");
    assertThat(image.config().get("Env"))
        .extracting(JsonNode::asText)
        .contains("DJL_CACHE_DIR=/opt/safegrad/djl");
    assertThat(image.root().resolve("opt/safegrad/djl/pytorch/libtorch.so")).exists();
    assertThat(image.run(Map.of(), "--version")).contains("safegrad-trainer").endsWith("code 0");
    assertThat(image.run(Map.of(), "inspect", REPOSITORY + "/README.md")).contains("exit code 65");
  }

  /**
   * As for GPUs, but of the libtorch for CPUs that the trainer's own libraries have, laid out as
   * pip does: what DJL takes from where is the same. Nothing is unpacked, and the image answers.
   */
  @Test
  void aTrainerOnALibtorchOfItsOwnTakesThatOne() throws IOException {
    Path libtorch = Files.createDirectory(folder.resolve("libtorch"));
    unpackLibtorch(Files.createDirectories(libtorch.resolve("torch/lib")));
    Files.writeString(libtorch.resolve("torch/version.py"), "__version__ = '2.7.1+cpu'\n");
    for (String name : List.of("torch/lib/libtorch_python.so", "nvidia/cudnn/lib/libcudnn.so.9")) {
      Files.createDirectories(libtorch.resolve(name).getParent());
      Files.writeString(libtorch.resolve(name), "no library");
    }
    Path natives = Files.createDirectories(folder.resolve("djl/tokenizers"));
    UnpackedImage image =
        build("trainer", "--natives=" + natives.getParent(), "--libtorch=" + libtorch);
    assertConfig(image.config(), "SafeGrad trainer (cpu)", "9400/tcp");
    assertThat(image.config().get("Env"))
        .extracting(JsonNode::asText)
        .contains(
            "PYTORCH_LIBRARY_PATH=/opt/safegrad/libtorch/torch/lib",
            "PYTORCH_VERSION=2.7.1",
            "PYTORCH_FLAVOR=cpu",
            "NVIDIA_DRIVER_CAPABILITIES=compute,utility");
    Path home = image.root().resolve("opt/safegrad");
    assertThat(home.resolve("libtorch/nvidia/cudnn/lib/libcudnn.so.9")).exists();
    assertThat(home.resolve("libtorch/torch/lib/libtorch_python.so")).doesNotExist();
    try (Stream<Path> jars = Files.list(home.resolve("lib"))) {
      assertThat(jars).noneMatch(jar -> jar.toString().contains("pytorch-native-cpu"));
    }
    Path cache = folder.resolve("cache");
    String output =
        image.run(
            Map.of(
                "DJL_CACHE_DIR",
                cache.toString(),
                "PYTORCH_LIBRARY_PATH",
                home.resolve("libtorch/torch/lib").toString(),
                "PYTORCH_VERSION",
                "2.7.1",
                "PYTORCH_FLAVOR",
                "cpu"),
            "generate",
            "--model",
            "builtin://tiny-aligned",
            "How do I steal a car?");
    assertThat(output).contains("I can't help with that.").endsWith("exit code 0");
    assertThat(cache.resolve("pytorch")).doesNotExist();
  }

  /** Java is the same everywhere; a trainer's libraries are not. */
  @Test
  void anImageOfAnotherArchitectureSaysSoAndHasNoLibrariesOfThisOne() throws IOException {
    UnpackedImage image = UnpackedImage.of(tar("operator", "arm", "--architecture=arm64"));
    assertThat(image.architecture()).isEqualTo("arm64");
    Path natives = folder.resolve("natives");
    Files.createDirectories(natives.resolve("pytorch/2.7.1-cpu-linux-x86_64"));
    assertThatThrownBy(() -> Architecture.arm64.requireLibraries(natives))
        .hasMessageEndingWith("linux-x86_64; expected linux-aarch64, for an image of arm64");
    Architecture.amd64.requireLibraries(natives);
  }

  /** The libraries of the jar that the trainer has. */
  private static void unpackLibtorch(Path destination) throws IOException {
    Path libraries = REPOSITORY.resolve("trainer-image/target/lib");
    try (Stream<Path> files = Files.list(libraries)) {
      Path jar =
          files
              .filter(file -> file.getFileName().toString().startsWith("pytorch-native-cpu"))
              .findFirst()
              .orElseThrow();
      try (ZipFile zip = new ZipFile(jar.toFile())) {
        for (ZipEntry entry : Collections.list(zip.entries())) {
          String name = entry.getName().substring(entry.getName().lastIndexOf('/') + 1);
          if (name.contains(".so")) {
            try (InputStream library = zip.getInputStream(entry)) {
              InputStream plain = name.endsWith(".gz") ? new GZIPInputStream(library) : library;
              Files.copy(plain, destination.resolve(name.replaceFirst("\\.gz$", "")));
            }
          }
        }
      }
    }
  }

  /** What is no libtorch of DJL's version is said before anything is built. */
  @Test
  void anotherLibtorchIsRefused() throws IOException {
    Path libtorch = Files.createDirectories(folder.resolve("other/lib")).getParent();
    assertThatThrownBy(() -> Libtorch.of(libtorch)).hasMessageContaining("as 2.7.1+cu126");
    Files.writeString(libtorch.resolve("build-version"), "2.6.0+cu124\n");
    Path jars = REPOSITORY.resolve("trainer-image/target/lib");
    assertThatThrownBy(() -> Libtorch.of(libtorch).jni(jars))
        .hasMessageContaining("is libtorch 2.6.0; expected 2.7.1");
    Files.writeString(libtorch.resolve("build-version"), "2.7.1+cu118\n");
    assertThatThrownBy(() -> Libtorch.of(libtorch).jni(jars))
        .hasMessageContaining("has no library for cu118");
  }

  /** The jar of DJL's library has the one for CUDA 12.8, which is for 12.6, too. */
  @Test
  void theLibraryForGpusIsThere() throws IOException {
    Path jars = REPOSITORY.resolve("trainer-image/target/lib");
    Files.createDirectory(folder.resolve("lib"));
    for (String name : List.of("libtorch.so", "libcudart-218eec4c.so.12", "libdnnl.a")) {
      Files.writeString(folder.resolve("lib").resolve(name), "no library");
    }
    for (String flavor : List.of("cu128", "cu126")) {
      Files.writeString(folder.resolve("build-version"), "2.7.1+" + flavor + "\n");
      Libtorch libtorch = Libtorch.of(folder);
      assertThat(libtorch.flavor()).isEqualTo(flavor);
      assertThat(libtorch.libraries())
          .containsExactly(Path.of("lib/libcudart-218eec4c.so.12"), Path.of("lib/libtorch.so"));
      assertThat(Files.readString(libtorch.jni(jars), StandardCharsets.ISO_8859_1))
          .contains("libtorch_cuda.so");
      assertThat(libtorch.jniName(jars)).isEqualTo("0.36.0-libdjl_torch.so");
    }
  }

  /** The same files make the same image, so that its digest says what is in it. */
  @Test
  void anImageIsAFunctionOfItsFiles() throws IOException {
    assertThat(Files.mismatch(tar("operator", "first"), tar("operator", "second"))).isEqualTo(-1);
  }

  private UnpackedImage build(String part, String... more) throws IOException {
    UnpackedImage image = UnpackedImage.of(tar(part, part, more));
    JsonNode sbom =
        new ObjectMapper().readTree(image.root().resolve("opt/safegrad/sbom.cdx.json").toFile());
    assertThat(sbom.get("bomFormat").asText()).isEqualTo("CycloneDX");
    assertThat(sbom.get("components")).hasSizeGreaterThan(20);
    return image;
  }

  private Path tar(String part, String name, String... more) throws IOException {
    Path tar = folder.resolve(name + ".tar");
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-jar",
                Path.of("target", "safegrad-images.jar").toString(),
                part,
                "--base=scratch",
                "--tar=" + tar,
                "--repository=" + REPOSITORY));
    command.addAll(List.of(more));
    Process build = new ProcessBuilder(command).inheritIO().start();
    assertThat(build.onExit().join().exitValue()).isZero();
    return tar;
  }

  private static void assertConfig(JsonNode config, String title, String port) {
    assertThat(config.get("User").asText()).isEqualTo("65532:65532");
    assertThat(config.at("/ExposedPorts").has(port)).isTrue();
    JsonNode labels = config.get("Labels");
    assertThat(labels.get("org.opencontainers.image.title").asText()).isEqualTo(title);
    assertThat(labels.get("org.opencontainers.image.licenses").asText()).isEqualTo("Apache-2.0");
    assertThat(labels.get("org.opencontainers.image.base.name").asText()).contains("@sha256:");
  }
}
