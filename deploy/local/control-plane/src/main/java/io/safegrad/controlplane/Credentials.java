package io.safegrad.controlplane;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.Key;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Map;
import java.util.stream.Collectors;

/** Bearer tokens, the key that signs service accounts' tokens, and kubeconfigs, all in files. */
final class Credentials {

  static final String TOKENS = "tokens.csv";
  static final String SERVICE_ACCOUNT_KEY = "service-account.key";
  static final String SERVICE_ACCOUNT_PUBLIC_KEY = "service-account.pub";

  private static final String ADMINISTRATORS = "system:masters";

  /** User names and their groups. */
  private static final Map<String, String> USERS =
      Map.of(
          "admin",
          ADMINISTRATORS,
          "system:kube-controller-manager",
          ADMINISTRATORS,
          "system:kube-scheduler",
          "system:authenticated",
          ControlPlane.NODE_USER,
          "system:nodes");

  private final Path folder;
  private final Map<String, String> tokens;

  private Credentials(Path folder, Map<String, String> tokens) {
    this.folder = folder;
    this.tokens = tokens;
  }

  /** Makes new credentials in a folder; those of an earlier start lose their meaning. */
  static Credentials create(Path folder) throws IOException {
    SecureRandom random = new SecureRandom();
    Map<String, String> tokens =
        USERS.keySet().stream().collect(Collectors.toMap(user -> user, user -> token(random)));
    Credentials credentials = new Credentials(folder, tokens);
    String lines =
        USERS.entrySet().stream()
            .map(
                user ->
                    "%s,%s,%s,\"%s\"%n"
                        .formatted(
                            tokens.get(user.getKey()),
                            user.getKey(),
                            user.getKey(),
                            user.getValue()))
            .collect(Collectors.joining());
    credentials.write(TOKENS, lines);
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
      generator.initialize(2048);
      KeyPair keys = generator.generateKeyPair();
      credentials.write(SERVICE_ACCOUNT_KEY, pem("PRIVATE KEY", keys.getPrivate()));
      credentials.write(SERVICE_ACCOUNT_PUBLIC_KEY, pem("PUBLIC KEY", keys.getPublic()));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has RSA", e);
    }
    return credentials;
  }

  String token(String user) {
    return tokens.get(user);
  }

  /** Writes a kubeconfig; it names no other file, so that it works from any folder. */
  Path writeKubeconfig(String file, String user, String token, String server, Path certificate)
      throws IOException {
    return write(
        file,
        """
        apiVersion: v1
        kind: Config
        clusters:
        - name: safegrad-local
          cluster:
            server: %s
            certificate-authority-data: %s
        users:
        - name: "%s"
          user:
            token: %s
        contexts:
        - name: safegrad-local
          context:
            cluster: safegrad-local
            user: "%s"
        current-context: safegrad-local
        """
            .formatted(
                server,
                Base64.getEncoder().encodeToString(Files.readAllBytes(certificate)),
                user,
                token,
                user));
  }

  private Path write(String name, String content) throws IOException {
    Path file = folder.resolve(name);
    Files.deleteIfExists(file);
    Files.createFile(
        file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    return Files.writeString(file, content);
  }

  private static String token(SecureRandom random) {
    byte[] bytes = new byte[16];
    random.nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }

  private static String pem(String type, Key key) {
    String body = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(key.getEncoded());
    return "-----BEGIN %s-----%n%s%n-----END %s-----%n".formatted(type, body, type);
  }
}
