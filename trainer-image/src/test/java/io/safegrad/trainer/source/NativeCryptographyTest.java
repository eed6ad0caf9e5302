package io.safegrad.trainer.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Random;
import javax.crypto.Cipher;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeCryptographyTest {

  @TempDir private Path folder;

  @Test
  void whatTlsAndDigestsNeedIsNotJavasOwn() throws Exception {
    NativeCryptography.use();
    NativeCryptography.use();

    assertThat(MessageDigest.getInstance("SHA-256").getProvider().getName())
        .isEqualTo("AmazonCorrettoCryptoProvider");
    assertThat(Cipher.getInstance("AES/GCM/NoPadding").getProvider().getName())
        .isEqualTo("AmazonCorrettoCryptoProvider");
  }

  @Test
  void aLargeFilesDigestIsTheOneThatJavaComputes() throws Exception {
    byte[] bytes = new byte[(64 << 20) + 3];
    new Random(1).nextBytes(bytes);
    Path file = Files.write(folder.resolve("large"), bytes);

    assertThat(Sha256.ofFile(file)).isEqualTo("sha256:" + byJava(bytes));
  }

  @Test
  void withoutItsLibraryJavasOwnIsUsed() throws Exception {
    byte[] bytes = new byte[64 << 20];
    Path file = Files.write(folder.resolve("large"), bytes);

    // A file cannot be the folder that the library is unpacked in.
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Djava.io.tmpdir=" + file,
                "-cp",
                System.getProperty("java.class.path"),
                DigestOfFile.class.getName(),
                file.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();

    assertThat(new String(process.getInputStream().readAllBytes()))
        .isEqualTo("sha256:" + byJava(bytes) + " SUN");
    assertThat(process.waitFor()).isZero();
  }

  /** Prints a file's digest and whose digests these are. */
  static final class DigestOfFile {

    private DigestOfFile() {}

    public static void main(String... arguments) throws Exception {
      System.out.printf(
          "%s %s",
          Sha256.ofFile(Path.of(arguments[0])),
          MessageDigest.getInstance("SHA-256").getProvider().getName());
    }
  }

  private static String byJava(byte[] bytes) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256", "SUN").digest(bytes));
  }
}
