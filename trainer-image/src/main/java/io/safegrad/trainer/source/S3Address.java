package io.safegrad.trainer.source;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * {@code s3://bucket/key}. Nothing in it is percent-decoded.
 *
 * @param key without a slash at its end
 */
record S3Address(String bucket, String key) {

  static final String SCHEME = "s3://";

  private static final Pattern FORM =
      Pattern.compile("s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(.+?)/*");

  /**
   * Reads an address.
   *
   * @param field for messages
   * @throws TrainerException with BAD_PLAN for one of another form
   */
  static S3Address parse(String field, String uri) {
    Matcher matcher = FORM.matcher(uri);
    // Some servers are in front of file systems, where such parts lead elsewhere.
    if (!matcher.matches() || ("/" + matcher.group(2) + "/").matches(".*/\\.{0,2}/.*")) {
      throw new TrainerException(
          ExitReason.BAD_PLAN,
          "%s: %s: expected s3://bucket/key, without empty parts, . and .. in the key"
              .formatted(field, uri));
    }
    return new S3Address(matcher.group(1), matcher.group(2));
  }

  /** The last part of the key. */
  String name() {
    return key.substring(key.lastIndexOf('/') + 1);
  }
}
