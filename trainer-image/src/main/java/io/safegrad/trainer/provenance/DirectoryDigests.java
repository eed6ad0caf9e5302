package io.safegrad.trainer.provenance;

import io.safegrad.trainer.source.Sha256;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * The digests of a directory's files.
 *
 * @param files {@code sha256:…} of each, by its name in there
 */
record DirectoryDigests(Map<String, String> files) implements PartDigests {

  /** Files that a sentence names. */
  private static final int NAMED = 20;

  @Override
  public String difference(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      return "it is no directory";
    }
    Map<String, String> found = Sha256.ofEachFile(directory);
    List<String> different = new ArrayList<>();
    TreeSet<String> names = new TreeSet<>(files.keySet());
    names.addAll(found.keySet());
    for (String name : names) {
      if (!found.containsKey(name)) {
        different.add(name + " is missing");
      } else if (!files.containsKey(name)) {
        different.add(name + " was added");
      } else if (!files.get(name).equals(found.get(name))) {
        different.add(name + " was changed");
      }
    }
    int more = different.size() - NAMED;
    return String.join(", ", different.subList(0, Math.min(NAMED, different.size())))
        + (more > 0 ? " and %d more".formatted(more) : "");
  }
}
