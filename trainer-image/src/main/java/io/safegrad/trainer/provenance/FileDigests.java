package io.safegrad.trainer.provenance;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * The digests of a file's blocks, by which it can be told where it was changed. There are at most
 * {@value #MAX_BLOCKS}, so that they stay small beside any file.
 *
 * @param bytes length of the file
 * @param blockBytes length of each block but the last, a power of two
 * @param blocks SHA-256 of each, hexadecimal digits
 */
record FileDigests(long bytes, int blockBytes, List<String> blocks) implements PartDigests {

  static final int MAX_BLOCKS = 1024;
  private static final int LEAST_BLOCK_BYTES = 1024;

  /** Reads a file. */
  static FileDigests of(Path file) throws IOException {
    long bytes = Files.size(file);
    int blockBytes = LEAST_BLOCK_BYTES;
    while (bytes > (long) blockBytes * MAX_BLOCKS) {
      blockBytes *= 2;
    }
    List<String> blocks = new ArrayList<>();
    try (InputStream in = Files.newInputStream(file)) {
      for (byte[] block = in.readNBytes(blockBytes);
          block.length > 0;
          block = in.readNBytes(blockBytes)) {
        blocks.add(digest(block));
      }
    }
    return new FileDigests(bytes, blockBytes, List.copyOf(blocks));
  }

  /**
   * @return a phrase that begins with "bytes" or names both lengths
   */
  @Override
  public String difference(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      return "it is no file";
    }
    long found = Files.size(file);
    String length = found == bytes ? "" : "it has %d bytes, expected %d; ".formatted(found, bytes);
    int different = 0;
    long first = -1;
    byte[] changed = null;
    try (InputStream in = Files.newInputStream(file)) {
      for (int i = 0; i < blocks.size(); i++) {
        // What was appended is said by the length.
        byte[] block = in.readNBytes((int) Math.min(blockBytes, bytes - (long) i * blockBytes));
        if (!digest(block).equals(blocks.get(i))) {
          different++;
          if (first < 0) {
            first = i;
            changed = block;
          }
        }
      }
    }
    if (first < 0) {
      return length + "all of the first %d bytes are as they were".formatted(bytes);
    }
    long start = first * blockBytes;
    long end = Math.min(start + blockBytes, bytes);
    if (different == 1 && length.isEmpty()) {
      int at = OneByte.changed(changed, blocks.get((int) first));
      if (at >= 0) {
        return "byte %d was changed, and no other".formatted(start + at);
      }
    }
    return "%s%d of %d blocks differ, the first is bytes %d to %d"
        .formatted(length, different, blocks.size(), start, end - 1);
  }

  private static String digest(byte[] block) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(block));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
