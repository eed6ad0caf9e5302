package io.safegrad.trainer.provenance;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.util.Base64;
import java.util.List;

/**
 * A DSSE envelope: bytes, what they are, and who vouches for them.
 *
 * @param payload the bytes in Base64
 * @param payloadType {@value #PAYLOAD_TYPE}
 * @param signatures empty when nobody does
 */
record DsseEnvelope(String payload, String payloadType, List<Signed> signatures) {

  static final String PAYLOAD_TYPE = "application/vnd.in-toto+json";

  /**
   * One signature of the pre-authentication encoding.
   *
   * @param sig Base64
   */
  record Signed(String sig) {}

  /**
   * Puts bytes into an envelope.
   *
   * @param key signs it; null for an envelope without signature
   */
  static DsseEnvelope of(byte[] payload, PrivateKey key) {
    String text = Base64.getEncoder().encodeToString(payload);
    if (key == null) {
      return new DsseEnvelope(text, PAYLOAD_TYPE, List.of());
    }
    try {
      Signature signature = Signature.getInstance(PemKey.signatureAlgorithm(key));
      signature.initSign(key);
      signature.update(encoded(PAYLOAD_TYPE, payload));
      String signed = Base64.getEncoder().encodeToString(signature.sign());
      return new DsseEnvelope(text, PAYLOAD_TYPE, List.of(new Signed(signed)));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The bytes. */
  byte[] content() {
    return Base64.getDecoder().decode(payload);
  }

  /** Whether one of the signatures was made with the private half of a key. */
  boolean isSignedBy(PublicKey key) {
    return signatures.stream().anyMatch(signature -> fits(signature, key));
  }

  private boolean fits(Signed signed, PublicKey key) {
    try {
      Signature signature = Signature.getInstance(PemKey.signatureAlgorithm(key));
      signature.initVerify(key);
      signature.update(encoded(payloadType, content()));
      return signature.verify(Base64.getDecoder().decode(signed.sig()));
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      // Another algorithm's signature, or none at all.
      return false;
    }
  }

  /** DSSE's pre-authentication encoding, which is what is signed. */
  private static byte[] encoded(String type, byte[] payload) {
    byte[] typeBytes = type.getBytes(StandardCharsets.UTF_8);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(
        "DSSEv1 %d %s %d "
            .formatted(typeBytes.length, type, payload.length)
            .getBytes(StandardCharsets.UTF_8));
    out.writeBytes(payload);
    return out.toByteArray();
  }
}
