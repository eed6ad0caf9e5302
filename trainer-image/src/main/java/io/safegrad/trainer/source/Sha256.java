package io.safegrad.trainer.source;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Digests in the form {@code sha256:} and 64 hexadecimal digits. */
public final class Sha256 {

  private static final int BUFFER_BYTES = 1 << 20;

  /** Java's own digest of so much takes half a second. */
  private static final long LARGE_BYTES = 64L << 20;

  private Sha256() {}

  /** The digest of bytes. */
  public static String ofBytes(byte[] bytes) {
    MessageDigest digest = newDigest();
    digest.update(bytes);
    return text(digest);
  }

  /** The digest of one file's bytes. */
  public static String ofFile(Path file) throws IOException {
    if (Files.size(file) >= LARGE_BYTES) {
      NativeCryptography.use();
    }
    MessageDigest digest = newDigest();
    byte[] buffer = new byte[BUFFER_BYTES];
    try (InputStream in = Files.newInputStream(file)) {
      for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
        digest.update(buffer, 0, count);
      }
    }
    return text(digest);
  }

  /**
   * The digest of a directory: that of the lines {@code sha256:… relative/name}, sorted by name.
   */
  public static String ofDirectory(Path directory) throws IOException {
    return ofFiles(ofEachFile(directory));
  }

  /** The digest of each file below a directory by its relative name, sorted by name. */
  public static SortedMap<String, String> ofEachFile(Path directory) throws IOException {
    SortedMap<String, String> digests = new TreeMap<>();
    for (Path file : filesOf(directory)) {
      digests.put(directory.relativize(file).toString(), ofFile(file));
    }
    return digests;
  }

  /**
   * The digest of a directory whose files have these.
   *
   * @param digests as {@link #ofEachFile} gives them
   */
  public static String ofFiles(SortedMap<String, String> digests) {
    StringBuilder lines = new StringBuilder();
    digests.forEach((name, digest) -> lines.append(digest).append("  ").append(name).append('\n'));
    MessageDigest digest = newDigest();
    digest.update(lines.toString().getBytes(StandardCharsets.UTF_8));
    return text(digest);
  }

  /** The regular files below a directory, sorted by name; symbolic links are followed. */
  static List<Path> filesOf(Path directory) throws IOException {
    try (Stream<Path> walk = Files.walk(directory, FileVisitOption.FOLLOW_LINKS)) {
      return walk.filter(Files::isRegularFile).sorted().toList();
    }
  }

  private static String text(MessageDigest digest) {
    return "sha256:" + HexFormat.of().formatHex(digest.digest());
  }

  private static MessageDigest newDigest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
