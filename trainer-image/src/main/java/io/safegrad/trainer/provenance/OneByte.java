package io.safegrad.trainer.provenance;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Finds the one byte of a small block that was changed, by trying each. */
final class OneByte {

  /** So many bytes are tried in about ten seconds. */
  static final int LONGEST_BLOCK = 4096;

  private static final int VALUES = 256;

  private OneByte() {}

  /**
   * @param block as it is now
   * @param sha256 of what it was, hexadecimal digits
   * @return the index of the byte; -1 when more than one was changed, or the block is long
   */
  static int changed(byte[] block, String sha256) {
    if (block.length > LONGEST_BLOCK) {
      return -1;
    }
    byte[] expected = HexFormat.of().parseHex(sha256);
    try {
      MessageDigest before = MessageDigest.getInstance("SHA-256");
      for (int i = 0; i < block.length; i++) {
        for (int value = 0; value < VALUES; value++) {
          MessageDigest digest = (MessageDigest) before.clone();
          digest.update((byte) value);
          digest.update(block, i + 1, block.length - i - 1);
          if (MessageDigest.isEqual(digest.digest(), expected)) {
            return i;
          }
        }
        before.update(block[i]);
      }
    } catch (NoSuchAlgorithmException | CloneNotSupportedException e) {
      throw new IllegalStateException(e);
    }
    return -1;
  }
}
