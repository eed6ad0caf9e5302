package io.safegrad.trainer.source;

import com.amazon.corretto.crypto.provider.AmazonCorrettoCryptoProvider;

/**
 * Digests and ciphers by AWS-LC instead of Java's own. The trainer does without Java's second
 * compiler, and without it Java computes SHA-256 at an eighth and TLS's AES-GCM at a hundredth of
 * their speed: slower than a network and a disk are. Loading the library takes a third of a second,
 * so only who has much to read asks for it.
 */
final class NativeCryptography {

  private NativeCryptography() {}

  /**
   * From now on for all of this process; where the library cannot be loaded, all stays as it is.
   */
  static void use() {
    if (AmazonCorrettoCryptoProvider.INSTANCE.getLoadingError() == null) {
      AmazonCorrettoCryptoProvider.install();
    }
  }
}
