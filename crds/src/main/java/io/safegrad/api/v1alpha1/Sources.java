package io.safegrad.api.v1alpha1;

import java.util.Map;
import java.util.Optional;

/**
 * The forms of the addresses that models and data are read from and results are written to, and of
 * what pins them.
 */
public final class Sources {

  private static final String CLAIM = "pvc://[a-z0-9]([a-z0-9.-]*[a-z0-9])?/.+";
  private static final String LOCAL = "builtin://[a-z0-9-]+|file:///.+|" + CLAIM;
  private static final String WEB = "https://[^/?#@]+/.+";
  private static final String S3 = "s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+";
  private static final String HUB_ID = "[A-Za-z0-9_][A-Za-z0-9._-]*/[A-Za-z0-9_][A-Za-z0-9._-]*";

  static final String WRITABLE = "^(file:///.+|" + CLAIM + "|" + S3 + ")$";
  static final String READABLE = "^(" + LOCAL + ")$";
  static final String PROMPTS = "^(" + LOCAL + "|" + S3 + ")$";
  static final String MODEL = "^(" + LOCAL + "|" + WEB + "|" + S3 + "|hf://" + HUB_ID + "(/.+)?)$";
  static final String DATA =
      "^(" + LOCAL + "|" + WEB + "|" + S3 + "|hf://datasets/" + HUB_ID + "/.+)$";

  static final String DIGEST = "^sha256:[0-9a-f]{64}$";
  static final String REVISION = "^[A-Za-z0-9_][A-Za-z0-9._/-]*$";

  // The API server also checks the default {}, which has no source yet.
  public static final String DIGEST_RULE =
      "!has(self.source) || !self.source.startsWith('https://') || has(self.digest)";
  static final String DIGEST_MESSAGE = "an https:// source needs digest: sha256:…";
  public static final String REVISION_RULE =
      "!has(self.revision) || has(self.source) && self.source.startsWith('hf://')";
  static final String REVISION_MESSAGE = "revision is for an hf:// source";

  static final String PINNED_MESSAGE =
      "the platform's data needs digest: sha256:… (or, at hf://, a revision of 40 hexadecimal"
          + " digits): whoever controls the storage could exchange it";
  static final String PINNED_RULE =
      "!has(self.source) || self.source.startsWith('builtin://') || has(self.digest)"
          + " || self.source.startsWith('hf://') && has(self.revision)"
          + " && self.revision.matches('^[0-9a-f]{40}$')";

  public static final String SECRET_RULE =
      "!has(self.secretRef) || has(self.source) && (self.source.startsWith('hf://')"
          + " || self.source.startsWith('https://') || self.source.startsWith('s3://'))";
  static final String SECRET_MESSAGE = "secretRef is for an hf://, https:// or s3:// source";

  public static final String DESTINATION_SECRET_RULE =
      "!has(self.secretRef) || self.destination.startsWith('s3://')";

  static final String KEYS_DOC =
      "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for temporary ones, AWS_SESSION_TOKEN";
  static final String SECRET_DOC =
      "A Secret in the run's namespace. For hf:// and https:// its key token is the access token;"
          + " for s3:// it has the keys "
          + KEYS_DOC
          + ".";

  static final String DIGEST_DOC =
      "What the source must be, sha256: and 64 hexadecimal digits: of a file's bytes, or of a"
          + " directory as report.json gives it. Required for https://.";
  static final String REVISION_DOC =
      "Commit, tag or branch of an hf:// source; main when absent. Only a commit of 40 digits"
          + " always means the same; report.json names the commit that was used.";

  private static final Map<String, String> EXPECTED =
      Map.of(
          WRITABLE,
          "file:///path, pvc://claim/path or s3://bucket/prefix",
          READABLE,
          "builtin://name, file:///path or pvc://claim/path",
          PROMPTS,
          "builtin://name, file:///path, pvc://claim/path or s3://bucket/key",
          MODEL,
          "builtin://name, file:///path, pvc://claim/path, hf://org/name, https://host/path or"
              + " s3://bucket/key",
          DATA,
          "builtin://name, file:///path, pvc://claim/path, hf://datasets/org/name/path,"
              + " https://host/path or s3://bucket/key");

  private Sources() {}

  /** What a text must be that does not match one of these patterns; empty for any other pattern. */
  public static Optional<String> expected(String pattern) {
    return Optional.ofNullable(EXPECTED.get(pattern)).map(words -> "expected " + words);
  }
}
