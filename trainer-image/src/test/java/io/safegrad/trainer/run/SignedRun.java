package io.safegrad.trainer.run;

import io.safegrad.trainer.provenance.Finding;
import io.safegrad.trainer.provenance.Verification;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PublicKey;
import java.security.spec.ECGenParameterSpec;
import java.util.Base64;
import java.util.List;
import java.util.stream.Stream;

/** What an auditor has: the published folder of a run that signed it, and keys. */
final class SignedRun {

  private final Path folder;
  private final ToyRun toy;
  private final KeyPair keys;

  /** Nothing has run yet. */
  SignedRun(Path folder, KeyPair keys) throws IOException {
    this.folder = folder;
    this.keys = keys;
    toy = new ToyRun(folder);
    toy.withVariable("SAFEGRAD_SIGNING_KEY_FILE", privatePem(keys).toString());
  }

  static KeyPair ed25519() throws GeneralSecurityException {
    return KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
  }

  static KeyPair ellipticCurve(String curve) throws GeneralSecurityException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec(curve));
    return generator.generateKeyPair();
  }

  ToyRun toy() {
    return toy;
  }

  PublicKey publicKey() {
    return keys.getPublic();
  }

  /** A file with the public key. */
  Path publicPem() throws IOException {
    return pem("PUBLIC KEY", publicKey().getEncoded());
  }

  /** A file with a private key. */
  Path privatePem(KeyPair pair) throws IOException {
    return pem("PRIVATE KEY", pair.getPrivate().getEncoded());
  }

  private Path pem(String label, byte[] der) throws IOException {
    return Files.writeString(
        Files.createTempFile(folder, "key", ".pem"),
        "-----BEGIN %1$s-----%n%2$s%n-----END %1$s-----%n"
            .formatted(label, Base64.getMimeEncoder().encodeToString(der)));
  }

  /** What was published, to be tampered with. */
  Path copyTo(Path to) throws IOException {
    copy(toy.destination(), to);
    return to;
  }

  /** A folder into another one that is not there yet. */
  static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(from.relativize(file).toString()));
      }
    }
  }

  /** All that is wrong. */
  static List<Finding> wrong(Verification verification) {
    return verification.findings().stream()
        .filter(finding -> finding.status() == Finding.Status.WRONG)
        .toList();
  }
}
