package io.safegrad.trainer.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.report.RunReport;
import io.safegrad.trainer.source.S3Folder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * A destination on S3, where folders cannot be renamed. Everything is sent before anything of it is
 * to be seen; then its files appear one after the other within a moment: weights first, the
 * adapter's configuration, by which servers find adapters, next to last, and the report last.
 *
 * <p>A run that dies in that moment leaves files of a result whose gate held, without a report; the
 * next attempt of its plan knows them by their mark and replaces them.
 */
final class S3Publication implements Destination {

  private static final List<String> LAST = List.of("adapter_config.json", RunReport.FILE_NAME);
  private static final int LONGEST_REPORT = 64 << 20;

  private final String field;
  private final String uri;
  private final S3Folder folder;
  private final Path staging;
  private final CheckpointStore checkpoints;
  private final String planDigest;

  private S3Publication(
      String field, String uri, S3Folder folder, Path workspace, String planDigest) {
    this.field = field;
    this.uri = uri;
    this.folder = folder;
    this.planDigest = planDigest;
    String suffix = Destination.suffix(planDigest);
    this.staging = workspace.resolve("output-" + suffix);
    String name = ".%s.checkpoints-%s".formatted(folder.name(), suffix);
    this.checkpoints =
        new S3Checkpoints(
            folder.sibling(name), workspace.resolve("checkpoints-" + suffix), planDigest);
  }

  /**
   * Checks the destination.
   *
   * @param field the plan's field with the address, for messages
   * @param workspace for the files that are sent
   */
  static S3Publication prepare(
      String field, String uri, S3Folder folder, Path workspace, String planDigest) {
    S3Publication publication = new S3Publication(field, uri, folder, workspace, planDigest);
    publication.checkReplaceable();
    folder.removeUnfinished();
    folder.requireWritable();
    return publication;
  }

  @Override
  public <T> T publish(Content<T> content) {
    try {
      FileTree.delete(staging);
      Files.createDirectories(staging);
      T published = content.writeTo(staging);
      List<String> names = inOrder();
      List<String> stale = publishedNames();
      stale.removeAll(names);
      folder.upload(staging, names, planDigest, () -> stale.forEach(folder::delete));
      return published;
    } catch (IOException e) {
      throw cannotWrite(e);
    } catch (UncheckedIOException e) {
      throw cannotWrite(e.getCause());
    } catch (TrainerException e) {
      // It could be written when the run began; another attempt goes on from the checkpoints.
      throw e.reason() == ExitReason.BAD_PLAN
          ? new TrainerException(ExitReason.SOURCE_UNAVAILABLE, e.getMessage(), e)
          : e;
    } finally {
      removeStaging();
    }
  }

  @Override
  public CheckpointStore checkpoints() {
    return checkpoints;
  }

  @Override
  public String place() {
    return uri;
  }

  @Override
  public void discard() {
    folder.abandon();
    removeStaging();
  }

  private void removeStaging() {
    try {
      FileTree.delete(staging);
    } catch (IOException e) {
      throw cannotWrite(e);
    }
  }

  private List<String> inOrder() throws IOException {
    try (Stream<Path> files = Files.walk(staging)) {
      return files
          .filter(Files::isRegularFile)
          .map(file -> staging.relativize(file).toString())
          .sorted(
              Comparator.comparing((String name) -> LAST.indexOf(name))
                  .thenComparing(Comparator.naturalOrder()))
          .toList();
    }
  }

  /** The files that the report there names, and none of somebody else. */
  private List<String> publishedNames() throws IOException {
    List<String> names = new ArrayList<>();
    JsonNode report = report();
    if (report != null) {
      report.path("artifact").path("files").forEach(file -> names.add(file.path("name").asText()));
    }
    return names;
  }

  private void checkReplaceable() {
    Set<String> files = folder.list();
    if (files.isEmpty()) {
      return;
    }
    JsonNode report = checkedReport();
    if (report == null) {
      if (!files.stream().allMatch(file -> planDigest.equals(folder.maker(file)))) {
        throw badDestination("is not empty and holds no report of a run; expected another prefix");
      }
      return;
    }
    boolean refused = report.path("artifact").isNull();
    if (!refused && !report.path("plan").path("digest").asText().equals(planDigest)) {
      throw badDestination(
          "holds the adapter of another plan, run "
              + report.path("run").asText("unknown")
              + "; expected another prefix, or that one removed");
    }
  }

  /** The report there, which names its plan; null when there is none. */
  private JsonNode checkedReport() {
    try {
      JsonNode report = report();
      if (report == null || report.at("/plan/digest").isTextual()) {
        return report;
      }
    } catch (IOException e) {
      // Said below, as for JSON of another kind.
    }
    throw badDestination(
        "holds a %s that is no report of a run; expected another prefix"
            .formatted(RunReport.FILE_NAME));
  }

  /** The report there; null when there is none. */
  private JsonNode report() throws IOException {
    byte[] bytes = folder.read(RunReport.FILE_NAME, LONGEST_REPORT);
    return bytes == null ? null : new ObjectMapper().readTree(bytes);
  }

  private TrainerException badDestination(String message) {
    return new TrainerException(ExitReason.BAD_PLAN, "%s: %s %s".formatted(field, uri, message));
  }

  private TrainerException cannotWrite(IOException cause) {
    return new TrainerException(
        ExitReason.INTERNAL,
        "%s: the files for %s cannot be written to the workspace: %s; nothing of it was published"
            .formatted(field, uri, cause.getMessage()),
        cause);
  }
}
