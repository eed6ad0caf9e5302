package io.safegrad.trainer.source;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * What a file's bytes must add up to.
 *
 * @param hex lower-case hexadecimal digits
 */
record Checksum(Algorithm algorithm, String hex) {

  private static final int BUFFER_BYTES = 1 << 20;

  enum Algorithm {
    SHA256("SHA-256"),
    /** Git's name of a file: SHA-1 of {@code blob <length>\0} and the bytes. */
    GIT_BLOB("SHA-1");

    private final String digestName;

    Algorithm(String digestName) {
      this.digestName = digestName;
    }
  }

  /** The checksum that {@code sha256:…} names. */
  static Checksum ofDigest(String digest) {
    return new Checksum(Algorithm.SHA256, digest.substring("sha256:".length()));
  }

  /** Whether a file has it. */
  boolean matches(Path file) throws IOException {
    MessageDigest digest = newDigest();
    if (algorithm == Algorithm.GIT_BLOB) {
      digest.update(("blob " + Files.size(file) + "\0").getBytes(StandardCharsets.UTF_8));
    }
    byte[] buffer = new byte[BUFFER_BYTES];
    try (InputStream in = Files.newInputStream(file)) {
      for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
        digest.update(buffer, 0, count);
      }
    }
    return HexFormat.of().formatHex(digest.digest()).equals(hex);
  }

  private MessageDigest newDigest() {
    try {
      return MessageDigest.getInstance(algorithm.digestName);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
