package io.safegrad.trainer.provenance;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Key;
import java.security.KeyFactory;
import java.security.NoSuchAlgorithmException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.interfaces.ECKey;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.KeySpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Keys in PEM files: Ed25519, or ECDSA on the curve P-256. */
public final class PemKey {

  private static final int P256_BITS = 256;
  private static final BigInteger P256_A =
      new BigInteger("ffffffff00000001000000000000000000000000fffffffffffffffffffffffc", 16);

  private PemKey() {}

  /**
   * Reads a private key, PKCS #8 without a password.
   *
   * @param name says in errors what names the file
   */
  public static PrivateKey readPrivate(String name, Path file) {
    return read(name, file, "PRIVATE KEY", PKCS8EncodedKeySpec::new, KeyFactory::generatePrivate);
  }

  /**
   * Reads a public key, X.509 SubjectPublicKeyInfo.
   *
   * @param name says in errors what names the file
   */
  public static PublicKey readPublic(String name, Path file) {
    return read(name, file, "PUBLIC KEY", X509EncodedKeySpec::new, KeyFactory::generatePublic);
  }

  /** The name of the signature algorithm of a key, as {@link java.security.Signature} has it. */
  static String signatureAlgorithm(Key key) {
    return key instanceof ECKey ? "SHA256withECDSA" : "Ed25519";
  }

  private static <K extends Key> K read(
      String name, Path file, String label, Spec spec, Factory<K> factory) {
    byte[] der = decode(name, file, label);
    for (String algorithm : List.of("Ed25519", "EC")) {
      try {
        K key = factory.generate(KeyFactory.getInstance(algorithm), spec.of(der));
        if (!(key instanceof ECKey ec) || isP256(ec)) {
          return key;
        }
      } catch (InvalidKeySpecException e) {
        // Of the other algorithm, perhaps.
      } catch (NoSuchAlgorithmException e) {
        throw new IllegalStateException(e);
      }
    }
    throw bad(name, file, label);
  }

  private static boolean isP256(ECKey key) {
    return key.getParams().getOrder().bitLength() == P256_BITS
        && key.getParams().getCurve().getA().equals(P256_A);
  }

  private static byte[] decode(String name, Path file, String label) {
    try {
      String text = Files.readString(file, StandardCharsets.ISO_8859_1);
      Matcher pem =
          Pattern.compile(
                  "-----BEGIN %1$s-----([A-Za-z0-9+/=\\s]+)-----END %1$s-----".formatted(label))
              .matcher(text);
      if (pem.find()) {
        return Base64.getMimeDecoder().decode(pem.group(1));
      }
    } catch (IOException e) {
      throw new TrainerException(
          ExitReason.BAD_PLAN, "%s: the file %s cannot be read".formatted(name, file), e);
    }
    throw bad(name, file, label);
  }

  private static TrainerException bad(String name, Path file, String label) {
    return new TrainerException(
        ExitReason.BAD_PLAN,
        "%s: %s holds no key that can be used; expected PEM with the label %s, Ed25519 or ECDSA P-256"
            .formatted(name, file, label));
  }

  @FunctionalInterface
  private interface Spec {
    KeySpec of(byte[] der);
  }

  @FunctionalInterface
  private interface Factory<K> {
    K generate(KeyFactory factory, KeySpec spec) throws InvalidKeySpecException;
  }
}
