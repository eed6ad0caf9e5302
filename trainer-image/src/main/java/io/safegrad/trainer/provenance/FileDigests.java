package io.safegrad.trainer.provenance;

import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.SeekableByteChannel;
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

  @Override
  public String difference(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      return "it is no file";
    }
    try (SeekableByteChannel channel = Files.newByteChannel(file)) {
      return new FileDifference(this, channel).phrase();
    }
  }

  /** Where a block begins. */
  long start(int block) {
    return (long) block * blockBytes;
  }

  /** Where a block ends: the position behind its last byte. */
  long end(int block) {
    return Math.min(start(block) + blockBytes, bytes);
  }

  /** Whether these bytes are a block's. */
  boolean holds(int block, byte[] content) {
    return digest(content).equals(blocks.get(block));
  }

  private static String digest(byte[] block) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(block));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
