package io.safegrad.trainer.report;

import ai.djl.engine.Engine;
import io.safegrad.trainer.tensor.Torch;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Locale;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Properties;
import java.util.stream.Stream;

/**
 * What a run's result may depend on beside its plan and its inputs.
 *
 * @param safegrad version of this program
 * @param djl version of the Deep Java Library
 * @param libtorch version of PyTorch's native library
 * @param java version of the Java runtime
 * @param os operating system and processor architecture
 * @param processor the model that the system names; null where it names none. Another one may have
 *     other instructions, and round differently
 * @param threads threads of one operator; another number may round differently
 * @param device what it was computed on: cpu, or the GPU's model, or cuda:0 where the driver does
 *     not name it; null in a report of an earlier version
 * @param type what it was computed in, as torch has it; null as device
 */
public record RunVersions(
    String safegrad,
    String djl,
    String libtorch,
    String java,
    String os,
    String processor,
    int threads,
    String device,
    String type) {

  private static final Path CPU_INFO = Path.of("/proc/cpuinfo");
  private static final Path GPUS = Path.of("/proc/driver/nvidia/gpus");
  private static final String RESOURCE = "/safegrad.properties";

  /** The versions of this process, whose engine runs. */
  public static RunVersions ofThisProcess(Torch torch) {
    Engine engine = Engine.getEngine("PyTorch");
    return new RunVersions(
        safegradVersion(),
        Engine.getDjlVersion(),
        engine.getVersion(),
        Runtime.version().toString(),
        "%s %s %s"
            .formatted(
                System.getProperty("os.name"),
                System.getProperty("os.version"),
                System.getProperty("os.arch")),
        processorModel(),
        torch.threads(),
        torch.compute().device().cuda()
            ? gpuModel(GPUS).orElse(torch.compute().device().name())
            : torch.compute().device().name(),
        torch.compute().type().name().toLowerCase(Locale.ROOT));
  }

  /**
   * The model of the one GPU that a container sees.
   *
   * @param gpus the driver's folder, with one for each GPU
   */
  static Optional<String> gpuModel(Path gpus) {
    try (DirectoryStream<Path> found = Files.newDirectoryStream(gpus)) {
      Iterator<Path> each = found.iterator();
      Path first = each.next();
      return each.hasNext()
          ? Optional.empty()
          : Optional.ofNullable(value(first.resolve("information"), "Model"));
    } catch (IOException | NoSuchElementException e) {
      return Optional.empty();
    }
  }

  /** What the system calls the processor; null where it does not name it. */
  public static String processorModel() {
    return value(CPU_INFO, "model name");
  }

  /** What stands after a key and a colon; null where nothing does. */
  private static String value(Path file, String key) {
    try (Stream<String> lines = Files.lines(file)) {
      return lines
          .filter(line -> line.startsWith(key))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst()
          .orElse(null);
    } catch (IOException | UncheckedIOException e) {
      return null;
    }
  }

  /** The version of this program. */
  public static String safegradVersion() {
    Properties properties = new Properties();
    try (InputStream resource = RunVersions.class.getResourceAsStream(RESOURCE)) {
      properties.load(resource);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return properties.getProperty("version");
  }
}
