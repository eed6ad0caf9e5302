package io.safegrad.trainer.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.report.RunReport;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.stream.Stream;

/**
 * The destination of a run. All that is published is written into a folder beside it, flushed, and
 * renamed: the destination holds the whole of it or what it held before.
 *
 * <p>A destination that is not empty is replaced only when it holds the results of the same plan,
 * or the report of a run whose adapter was refused. Anything else is somebody's work and is left
 * alone.
 */
final class Publication implements Destination {

  private final String field;
  private final String uri;
  private final Path destination;
  private final Path staging;
  private final Path previous;
  private final Path checkpoints;
  private final Deque<Path> createdParents = new ArrayDeque<>();

  private Publication(String field, String uri, Path destination, String planDigest) {
    this.field = field;
    this.uri = uri;
    this.destination = destination;
    String suffix = Destination.suffix(planDigest);
    this.staging = destination.resolveSibling(destination.getFileName() + ".tmp-" + suffix);
    this.previous = destination.resolveSibling(destination.getFileName() + ".old-" + suffix);
    this.checkpoints =
        destination.resolveSibling("." + destination.getFileName() + ".checkpoints-" + suffix);
  }

  /**
   * Proves, before any time is spent, that the destination can be written and that nothing of
   * somebody else is lost by it. Leaves the disk as it was.
   *
   * @param field the plan's field with the address, for messages
   * @param uri the address
   * @param destination the folder it stands for
   * @throws TrainerException with BAD_PLAN when the destination cannot be used
   */
  static Publication prepare(String field, String uri, Path destination, String planDigest) {
    if (destination.getFileName() == null) {
      throw new TrainerException(
          ExitReason.BAD_PLAN, field + ": " + uri + " is the root folder; expected a folder in it");
    }
    Publication publication = new Publication(field, uri, destination, planDigest);
    try {
      publication.recover();
      publication.checkReplaceable(planDigest);
      publication.checkWritable();
    } catch (IOException e) {
      throw new TrainerException(
          ExitReason.BAD_PLAN,
          "%s: %s cannot be written: %s; expected a folder that can be created or is writable"
              .formatted(field, uri, reason(e)),
          e);
    }
    return publication;
  }

  @Override
  public <T> T publish(Content<T> content) {
    try {
      createParents();
      Files.createDirectory(staging);
      T published = content.writeTo(staging);
      FileTree.flush(staging);
      replaceDestination();
      FileTree.flushNames(destination.getParent());
      createdParents.clear();
      return published;
    } catch (IOException e) {
      throw cannotWrite(e);
    } catch (UncheckedIOException e) {
      throw cannotWrite(e.getCause());
    } finally {
      discard();
    }
  }

  /**
   * On the volume of the results, which outlasts a pod. Hidden, because servers look for adapters
   * in the folders beside the destination.
   */
  @Override
  public CheckpointStore checkpoints() {
    return new CheckpointFolder(checkpoints);
  }

  @Override
  public String place() {
    return destination.toString();
  }

  @Override
  public void discard() {
    try {
      FileTree.delete(staging);
      if (Files.exists(destination)) {
        FileTree.delete(previous);
      }
      while (!createdParents.isEmpty()) {
        Files.deleteIfExists(createdParents.pop());
      }
    } catch (IOException e) {
      throw cannotWrite(e);
    }
  }

  private void replaceDestination() throws IOException {
    boolean replaces = Files.exists(destination);
    if (replaces) {
      Files.move(destination, previous, StandardCopyOption.ATOMIC_MOVE);
    }
    try {
      Files.move(staging, destination, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      if (replaces) {
        Files.move(previous, destination, StandardCopyOption.ATOMIC_MOVE);
      }
      throw e;
    }
  }

  /** A killed attempt may have left its folder, or have died between the two renames. */
  private void recover() throws IOException {
    FileTree.delete(staging);
    if (Files.exists(previous)) {
      if (Files.exists(destination)) {
        FileTree.delete(previous);
      } else {
        Files.move(previous, destination, StandardCopyOption.ATOMIC_MOVE);
      }
    }
  }

  private void checkReplaceable(String planDigest) throws IOException {
    if (!Files.exists(destination)) {
      return;
    }
    if (!Files.isDirectory(destination)) {
      throw badDestination("is a file; expected a folder, or nothing");
    }
    if (!Files.getFileStore(destination).equals(Files.getFileStore(destination.getParent()))) {
      throw badDestination("is a mount point; expected a folder inside of it");
    }
    try (Stream<Path> files = Files.list(destination)) {
      if (files.findAny().isEmpty()) {
        return;
      }
    }
    Path report = destination.resolve(RunReport.FILE_NAME);
    if (!Files.isRegularFile(report)) {
      throw badDestination("is not empty and holds no report of a run; expected another folder");
    }
    JsonNode content = read(report);
    boolean refused = content.path("artifact").isNull();
    if (!refused && !content.path("plan").path("digest").asText().equals(planDigest)) {
      throw badDestination(
          "holds the adapter of another plan, run "
              + content.path("run").asText("unknown")
              + "; expected another folder, or that one removed");
    }
  }

  /** A report names its plan, whether its adapter was published or refused. */
  private JsonNode read(Path report) throws IOException {
    try {
      JsonNode content = new ObjectMapper().readTree(report.toFile());
      if (content.at("/plan/digest").isTextual()) {
        return content;
      }
    } catch (JsonProcessingException e) {
      // Said below, as for JSON of another kind.
    }
    throw badDestination(
        "holds a %s that is no report of a run; expected another folder"
            .formatted(RunReport.FILE_NAME));
  }

  private void checkWritable() throws IOException {
    try {
      createParents();
      Files.createDirectory(staging);
    } finally {
      discard();
    }
  }

  private void createParents() throws IOException {
    Deque<Path> missing = new ArrayDeque<>();
    for (Path parent = destination.getParent();
        !Files.exists(parent);
        parent = parent.getParent()) {
      missing.push(parent);
    }
    for (Path parent : missing) {
      Files.createDirectory(parent);
      createdParents.push(parent);
    }
  }

  private TrainerException badDestination(String message) {
    return new TrainerException(ExitReason.BAD_PLAN, "%s: %s %s".formatted(field, uri, message));
  }

  private TrainerException cannotWrite(IOException cause) {
    return new TrainerException(
        ExitReason.INTERNAL,
        "%s: %s cannot be written: %s; nothing of it was published"
            .formatted(field, uri, reason(cause)),
        cause);
  }

  /** A file system exception's message repeats the path; what is wanted is why. */
  private static String reason(IOException cause) {
    if (cause instanceof FileSystemException file) {
      String why = file.getReason() == null ? file.getClass().getSimpleName() : file.getReason();
      return why + " (" + file.getFile() + ")";
    }
    return cause.getMessage();
  }
}
