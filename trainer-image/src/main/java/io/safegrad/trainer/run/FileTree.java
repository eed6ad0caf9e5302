package io.safegrad.trainer.run;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** A folder with all that is in it. */
public final class FileTree {

  private FileTree() {}

  /** Removes it; nothing happens when there is none. Links are removed, not followed. */
  public static void delete(Path root) throws IOException {
    if (Files.exists(root, LinkOption.NOFOLLOW_LINKS)) {
      for (Path path : deepestFirst(root)) {
        Files.deleteIfExists(path);
      }
    }
  }

  /** Waits until all of it is on the disk. */
  public static void flush(Path root) throws IOException {
    for (Path path : deepestFirst(root)) {
      if (Files.isDirectory(path)) {
        flushNames(path);
      } else {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
          channel.force(true);
        }
      }
    }
  }

  /** Waits until the names in a folder are on the disk: only then a rename outlasts a power cut. */
  public static void flushNames(Path folder) throws IOException {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  private static List<Path> deepestFirst(Path root) throws IOException {
    try (Stream<Path> walk = Files.walk(root)) {
      return walk.sorted(Comparator.reverseOrder()).toList();
    }
  }
}
