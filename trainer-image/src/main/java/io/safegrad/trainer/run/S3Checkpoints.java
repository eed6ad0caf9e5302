package io.safegrad.trainer.run;

import io.safegrad.trainer.run.CheckpointFolder.Checkpoint;
import io.safegrad.trainer.source.S3Folder;
import io.safegrad.trainer.train.TrainingState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Checkpoints on S3, where a replaced pod finds them. Each is written to this machine, sent, and
 * removed here; one without {@value CheckpointFolder#SUMS}, which appears last, is not whole.
 */
final class S3Checkpoints implements CheckpointStore {

  private static final Pattern FILE =
      Pattern.compile("checkpoint-(\\d{1,9})/([A-Za-z0-9_][A-Za-z0-9._-]*)");

  private final S3Folder remote;
  private final Path folder;
  private final CheckpointFolder local;
  private final String planDigest;

  /**
   * @param folder for the checkpoint that is being written or read
   */
  S3Checkpoints(S3Folder remote, Path folder, String planDigest) {
    this.remote = remote;
    this.folder = folder;
    this.local = new CheckpointFolder(folder);
    this.planDigest = planDigest;
  }

  @Override
  public Optional<Checkpoint> newest(CheckpointManifest.Origin origin) throws IOException {
    Set<String> files = remote.list();
    for (int steps : newestFirst(files)) {
      local.remove();
      if (!files.contains(name(steps) + "/" + CheckpointFolder.SUMS)) {
        continue;
      }
      Path checkpoint = Files.createDirectories(folder.resolve(name(steps)));
      for (String file : filesOf(steps, files)) {
        remote.folder(name(steps)).download(file, checkpoint.resolve(file));
      }
      Optional<Checkpoint> found = local.newest(origin);
      if (found.isPresent()) {
        return found;
      }
    }
    local.remove();
    return Optional.empty();
  }

  @Override
  public void save(TrainingState state, CheckpointManifest manifest) throws IOException {
    try {
      local.save(state, manifest);
      Path checkpoint = folder.resolve(name(state.steps()));
      remote
          .folder(name(state.steps()))
          .upload(checkpoint, sumsLast(checkpoint), planDigest, () -> {});
    } finally {
      local.remove();
    }
  }

  private static List<String> sumsLast(Path checkpoint) throws IOException {
    try (Stream<Path> files = Files.list(checkpoint)) {
      return files
          .map(file -> file.getFileName().toString())
          .sorted(Comparator.comparing(CheckpointFolder.SUMS::equals))
          .toList();
    }
  }

  @Override
  public void prune(int steps, int limit) {
    Set<String> files = remote.list();
    int kept = 0;
    for (int each : newestFirst(files)) {
      boolean whole = files.contains(name(each) + "/" + CheckpointFolder.SUMS);
      if (!whole || each > steps || ++kept > limit) {
        delete(each, files);
      }
    }
  }

  @Override
  public void remove() throws IOException {
    local.remove();
    Set<String> files = remote.list();
    newestFirst(files).forEach(steps -> delete(steps, files));
    remote.removeUnfinished();
  }

  @Override
  public List<String> ofOtherPlans() {
    String common = remote.name().substring(0, remote.name().lastIndexOf('-') + 1);
    return remote.siblings(common).stream().filter(name -> !name.equals(remote.name())).toList();
  }

  /** What makes it whole goes first. */
  private void delete(int steps, Set<String> files) {
    S3Folder checkpoint = remote.folder(name(steps));
    List<String> names = new ArrayList<>(filesOf(steps, files));
    if (names.remove(CheckpointFolder.SUMS)) {
      checkpoint.delete(CheckpointFolder.SUMS);
    }
    names.forEach(checkpoint::delete);
  }

  private static String name(int steps) {
    return "checkpoint-" + steps;
  }

  private static List<Integer> newestFirst(Set<String> files) {
    TreeSet<Integer> steps = new TreeSet<>(Comparator.reverseOrder());
    for (String file : files) {
      Matcher matcher = FILE.matcher(file);
      if (matcher.matches()) {
        steps.add(Integer.valueOf(matcher.group(1)));
      }
    }
    return List.copyOf(steps);
  }

  private static List<String> filesOf(int steps, Set<String> files) {
    return files.stream()
        .map(FILE::matcher)
        .filter(Matcher::matches)
        .filter(matcher -> Integer.parseInt(matcher.group(1)) == steps)
        .map(matcher -> matcher.group(2))
        .toList();
  }
}
