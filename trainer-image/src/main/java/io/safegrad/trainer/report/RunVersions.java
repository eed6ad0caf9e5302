package io.safegrad.trainer.report;

import ai.djl.engine.Engine;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
 */
public record RunVersions(
    String safegrad,
    String djl,
    String libtorch,
    String java,
    String os,
    String processor,
    int threads) {

  private static final Path CPU_INFO = Path.of("/proc/cpuinfo");
  private static final String RESOURCE = "/safegrad.properties";

  /**
   * The versions of this process, whose engine runs.
   *
   * @param threads threads of one operator
   */
  public static RunVersions ofThisProcess(int threads) {
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
        threads);
  }

  private static String processorModel() {
    try (Stream<String> lines = Files.lines(CPU_INFO)) {
      return lines
          .filter(line -> line.startsWith("model name"))
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
