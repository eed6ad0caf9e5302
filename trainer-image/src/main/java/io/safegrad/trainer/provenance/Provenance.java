package io.safegrad.trainer.provenance;

import io.safegrad.trainer.report.FiniteJson;
import io.safegrad.trainer.report.RunReport;
import io.safegrad.trainer.report.RunVersions;
import io.safegrad.trainer.source.Sha256;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PrivateKey;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Writes the provenance of a folder that is about to be published. */
public final class Provenance {

  public static final String FILE_NAME = "provenance.dsse.json";

  /** The dependency that is the trainer's own code. */
  static final String CODE = "safegrad-trainer";

  static final String DATASET = "dataset.source";

  private Provenance() {}

  /**
   * Describes all files of a folder and writes the description beside them.
   *
   * @param report that of the same folder
   * @param dataset the user's data as it was read
   * @param key signs it; null for provenance without signature
   */
  public static void write(Path folder, RunReport report, Path dataset, PrivateKey key)
      throws IOException {
    byte[] statement = FiniteJson.compact().writeValueAsBytes(statement(folder, report, dataset));
    FiniteJson.indented()
        .writeValue(folder.resolve(FILE_NAME).toFile(), DsseEnvelope.of(statement, key));
  }

  private static Statement statement(Path folder, RunReport report, Path dataset)
      throws IOException {
    List<Statement.Resource> subject = new ArrayList<>();
    for (Path file : files(folder)) {
      subject.add(
          new Statement.Resource(
              folder.relativize(file).toString(),
              null,
              digest(Sha256.ofFile(file)),
              FileDigests.of(file)));
    }
    Statement.BuildDefinition definition =
        new Statement.BuildDefinition(
            Statement.BUILD_TYPE,
            new Statement.ExternalParameters(report.plan()),
            report.environment(),
            dependencies(report, dataset));
    String version = RunVersions.safegradVersion();
    Statement.RunDetails details =
        new Statement.RunDetails(
            new Statement.Builder(Statement.BUILDER, Map.of(CODE, version)),
            new Statement.Metadata(report.run(), report.started(), report.finished()));
    return new Statement(
        Statement.TYPE,
        subject,
        Statement.PREDICATE_TYPE,
        new Statement.Predicate(definition, details));
  }

  private static List<Statement.Resource> dependencies(RunReport report, Path dataset)
      throws IOException {
    List<Statement.Resource> dependencies = new ArrayList<>();
    for (RunReport.Input input : report.inputs()) {
      dependencies.add(
          new Statement.Resource(
              input.field(), input.uri(), digest(input.digest()), parts(input, dataset)));
    }
    String uri = "pkg:maven/io.safegrad/%s@%s".formatted(CODE, RunVersions.safegradVersion());
    dependencies.add(new Statement.Resource(CODE, uri, digest(codeDigest()), null));
    return dependencies;
  }

  /** Null where parts would tell more of the platform's data than their digest does. */
  private static PartDigests parts(RunReport.Input input, Path dataset) throws IOException {
    if (!input.files().isEmpty()) {
      return new DirectoryDigests(input.files());
    }
    boolean blocks = input.field().equals(DATASET) && Files.isRegularFile(dataset);
    return blocks ? FileDigests.of(dataset) : null;
  }

  /** Of the jar that this class is in, or of the folder of classes. */
  private static String codeDigest() throws IOException {
    try {
      Path code =
          Path.of(Provenance.class.getProtectionDomain().getCodeSource().getLocation().toURI());
      return Files.isDirectory(code) ? Sha256.ofDirectory(code) : Sha256.ofFile(code);
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Every file below a folder but the provenance, sorted. */
  static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> walk = Files.walk(folder)) {
      return walk.filter(Files::isRegularFile)
          .filter(file -> !file.equals(folder.resolve(FILE_NAME)))
          .sorted()
          .toList();
    }
  }

  private static Map<String, String> digest(String sha256) {
    return Map.of("sha256", sha256.replace("sha256:", ""));
  }
}
