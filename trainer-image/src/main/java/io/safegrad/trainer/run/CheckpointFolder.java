package io.safegrad.trainer.run;

import io.safegrad.trainer.source.Sha256;
import io.safegrad.trainer.train.TrainingState;
import io.safegrad.trainer.weights.SafetensorsFile;
import io.safegrad.trainer.weights.SafetensorsWriter;
import io.safegrad.trainer.weights.StorageType;
import io.safegrad.trainer.weights.TensorContents;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The checkpoints of one plan: a folder {@code checkpoint-STEPS} for each, with a safetensors file
 * for every part of the state, {@value CheckpointManifest#FILE_NAME}, and {@value #SUMS}, which
 * {@code sha256sum -c} checks. A checkpoint is written under another name, flushed and renamed, so
 * that it is there as a whole or not at all.
 */
public final class CheckpointFolder implements CheckpointStore {

  static final String SUMS = "SHA256SUMS";

  private static final Logger LOG = LoggerFactory.getLogger(CheckpointFolder.class);
  private static final Pattern NAME = Pattern.compile("checkpoint-(\\d{1,9})");
  private static final String PARTIAL = ".partial";
  private static final String DIGEST_PREFIX = "sha256:";

  private final Path folder;

  /**
   * @param folder need not exist yet
   */
  CheckpointFolder(Path folder) {
    this.folder = folder;
  }

  @Override
  public List<String> ofOtherPlans() throws IOException {
    String name = folder.getFileName().toString();
    String common = name.substring(0, name.lastIndexOf('-') + 1);
    return foldersIn(folder.getParent()).stream()
        .filter(path -> path.getFileName().toString().startsWith(common) && !path.equals(folder))
        .map(Path::toString)
        .toList();
  }

  /** A checkpoint whose files are as they were written. */
  record Checkpoint(Path folder, CheckpointManifest manifest) {

    /** Brings a state to where the checkpoint stands. */
    void restore(TrainingState state) {
      state.resumeAfter(
          manifest.steps(), manifest.position(), manifest.validation(), manifest.attribution());
      for (TrainingState.Part part : state.parts()) {
        try (SafetensorsFile file = SafetensorsFile.open(folder.resolve(fileName(part)))) {
          state.set(part, file);
        }
      }
    }
  }

  @Override
  public Optional<Checkpoint> newest(CheckpointManifest.Origin origin) throws IOException {
    for (Path each : newestFirst()) {
      try {
        requireWhole(each);
        CheckpointManifest manifest = CheckpointManifest.read(each);
        manifest.origin().requireSame(origin);
        return Optional.of(new Checkpoint(each, manifest));
      } catch (IOException e) {
        LOG.warn("checkpoint {} is not used: {}", each, firstLine(e));
      }
    }
    return Optional.empty();
  }

  @Override
  public void save(TrainingState state, CheckpointManifest manifest) throws IOException {
    Path checkpoint = folder.resolve("checkpoint-" + state.steps());
    Path partial = folder.resolve(checkpoint.getFileName() + PARTIAL);
    Files.createDirectories(folder);
    if (Files.isSymbolicLink(folder)) {
      throw new IOException(folder + " is a link; expected a folder, or nothing");
    }
    try {
      FileTree.delete(partial);
      Files.createDirectory(partial);
      for (TrainingState.Part part : state.parts()) {
        TensorContents contents = state.contents(part);
        SafetensorsWriter.write(
            partial.resolve(fileName(part)),
            List.copyOf(contents.shapes().keySet()),
            contents,
            StorageType.FLOAT32,
            Map.of("format", "pt"));
      }
      manifest.write(partial);
      Files.writeString(partial.resolve(SUMS), sums(partial));
      FileTree.flush(partial);
      // One of this name would have been resumed from, had it been usable.
      FileTree.delete(checkpoint);
      Files.move(partial, checkpoint, StandardCopyOption.ATOMIC_MOVE);
      FileTree.flushNames(folder);
    } finally {
      FileTree.delete(partial);
      if (list().isEmpty()) {
        Files.deleteIfExists(folder);
      }
    }
  }

  @Override
  public void prune(int steps, int limit) throws IOException {
    int kept = 0;
    for (Path each : newestFirst()) {
      if (stepsOf(each) > steps || ++kept > limit) {
        FileTree.delete(each);
      }
    }
    for (Path each : list()) {
      if (each.getFileName().toString().endsWith(PARTIAL)) {
        FileTree.delete(each);
      }
    }
  }

  @Override
  public void remove() throws IOException {
    FileTree.delete(folder);
  }

  private static String fileName(TrainingState.Part part) {
    return part.name().toLowerCase(Locale.ROOT) + ".safetensors";
  }

  /** The files of a checkpoint, in the order of {@value #SUMS}; not every one has every part. */
  private static List<String> fileNames(Path checkpoint) {
    List<String> names = new ArrayList<>(List.of(CheckpointManifest.FILE_NAME));
    for (TrainingState.Part part : TrainingState.Part.values()) {
      if (isFile(checkpoint.resolve(fileName(part)))) {
        names.add(fileName(part));
      }
    }
    return names;
  }

  private static boolean isFile(Path path) {
    return Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS);
  }

  private static String sums(Path checkpoint) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (String name : fileNames(checkpoint)) {
      String digest = Sha256.ofFile(checkpoint.resolve(name));
      lines.append(digest.substring(DIGEST_PREFIX.length())).append("  ").append(name).append('\n');
    }
    return lines.toString();
  }

  /**
   * Checks that a checkpoint's files are as they were written.
   *
   * @throws IOException saying what is missing or damaged
   */
  public static void requireWhole(Path checkpoint) throws IOException {
    for (String name : List.of(CheckpointManifest.FILE_NAME, SUMS)) {
      if (!isFile(checkpoint.resolve(name))) {
        throw new IOException(name + " is missing");
      }
    }
    byte[] expected = Files.readAllBytes(checkpoint.resolve(SUMS));
    if (!Arrays.equals(expected, sums(checkpoint).getBytes(StandardCharsets.UTF_8))) {
      throw new IOException("it is damaged: its files are not those that " + SUMS + " names");
    }
  }

  private static String firstLine(IOException e) {
    return e.getMessage() == null
        ? e.getClass().getSimpleName()
        : e.getMessage().lines().findFirst().orElse("");
  }

  private List<Path> newestFirst() throws IOException {
    return list().stream()
        .filter(path -> NAME.matcher(path.getFileName().toString()).matches())
        .sorted(Comparator.comparingInt(CheckpointFolder::stepsOf).reversed())
        .toList();
  }

  private static int stepsOf(Path checkpoint) {
    Matcher matcher = NAME.matcher(checkpoint.getFileName().toString());
    return matcher.matches() ? Integer.parseInt(matcher.group(1)) : 0;
  }

  private List<Path> list() throws IOException {
    return Files.isSymbolicLink(folder) ? List.of() : foldersIn(folder);
  }

  /** A link is not followed: it could lead out of the volume. */
  private static List<Path> foldersIn(Path parent) throws IOException {
    if (!Files.isDirectory(parent)) {
      return List.of();
    }
    try (Stream<Path> paths = Files.list(parent)) {
      return paths.filter(path -> Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)).toList();
    }
  }
}
