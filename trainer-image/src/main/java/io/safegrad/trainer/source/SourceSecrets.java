package io.safegrad.trainer.source;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/**
 * The secrets of a run's sources, from the environment. Those for one part of the plan (MODEL,
 * DATASET, ALIGNMENT, EVALUATION, OUTPUT) are in variables of its name; those in the variables of
 * the hub's and Amazon's own tools are for every part that has none of its own.
 */
public final class SourceSecrets {

  private static final String OWN = "SAFEGRAD_";
  private static final String TOKEN = "TOKEN";
  private static final String HUB_TOKEN = "HF_TOKEN";
  private static final String JUDGE_TOKEN = "SAFEGRAD_JUDGE_TOKEN";
  private static final String ACCESS_KEY = "AWS_ACCESS_KEY_ID";
  private static final String SECRET_KEY = "AWS_SECRET_ACCESS_KEY";
  private static final String SESSION_TOKEN = "AWS_SESSION_TOKEN";

  private final Map<String, String> secrets;

  private SourceSecrets(Map<String, String> secrets) {
    this.secrets = secrets;
  }

  /**
   * Reads the environment.
   *
   * @throws TrainerException with BAD_PLAN for a secret that cannot be one
   */
  static SourceSecrets of(Map<String, String> variables) {
    Map<String, String> secrets = new HashMap<>();
    variables.forEach(
        (name, value) -> {
          if (isSecret(name) && !value.isBlank()) {
            secrets.put(name, printable(name, value.strip()));
          }
        });
    return new SourceSecrets(secrets);
  }

  /**
   * Checks that the secret that a plan names is there.
   *
   * @param field the plan's field with the address, for example {@code dataset.source}
   * @param secret the Secret's name; null when the plan names none
   * @throws TrainerException with BAD_PLAN when it is not there
   */
  public void require(String field, String uri, String secret) {
    if (secret == null || !RemoteSources.isRemote(uri) && !field.startsWith("model.")) {
      return;
    }
    boolean s3 = uri.startsWith(S3Address.SCHEME);
    boolean there =
        s3
            ? s3Keys(field) != null
            : (uri.startsWith(RemoteSources.WEB) ? webToken(field) : hubToken(field)) != null;
    if (there) {
      return;
    }
    String own = OWN + part(field) + "_";
    throw new TrainerException(
        ExitReason.BAD_PLAN,
        s3
            ? "%s.secretRef: expected the keys of the Secret %s in the environment variables %s%s and %s%s"
                .formatted(parent(field), secret, own, ACCESS_KEY, own, SECRET_KEY)
            : "%s.secretRef: expected the token of the Secret %s in the environment variable %s"
                .formatted(
                    parent(field),
                    secret,
                    uri.startsWith(RemoteSources.WEB) || !field.startsWith("model.")
                        ? own + TOKEN
                        : HUB_TOKEN));
  }

  /** For {@code hf://}; null for none. */
  String hubToken(String field) {
    String own = webToken(field);
    return own == null ? secrets.get(HUB_TOKEN) : own;
  }

  /**
   * For the judge's endpoint; null when the plan names no Secret.
   *
   * @param field the plan's field that names the Secret
   * @param secret the Secret's name; null when the plan names none
   * @throws TrainerException with BAD_PLAN when the token is not there
   */
  public String judgeToken(String field, String secret) {
    if (secret != null && secrets.get(JUDGE_TOKEN) == null) {
      throw new TrainerException(
          ExitReason.BAD_PLAN,
          "%s: expected the token of the Secret %s in the environment variable %s"
              .formatted(field, secret, JUDGE_TOKEN));
    }
    return secret == null ? null : secrets.get(JUDGE_TOKEN);
  }

  /** For {@code https://}; null for none. */
  String webToken(String field) {
    return secrets.get(OWN + part(field) + "_" + TOKEN);
  }

  /**
   * For {@code s3://}; null for none.
   *
   * @throws TrainerException with BAD_PLAN when there is a part of them only
   */
  S3Keys s3Keys(String field) {
    S3Keys own = s3Keys(field, OWN + part(field) + "_");
    return own == null ? s3Keys(field, "") : own;
  }

  private S3Keys s3Keys(String field, String prefix) {
    String id = secrets.get(prefix + ACCESS_KEY);
    String key = secrets.get(prefix + SECRET_KEY);
    if (id == null && key == null) {
      return null;
    }
    if (id == null || key == null) {
      throw new TrainerException(
          ExitReason.BAD_PLAN,
          "%s: expected the environment variable %s%s beside %s%s"
              .formatted(
                  field,
                  prefix,
                  id == null ? ACCESS_KEY : SECRET_KEY,
                  prefix,
                  id == null ? SECRET_KEY : ACCESS_KEY));
    }
    return new S3Keys(id, key, secrets.get(prefix + SESSION_TOKEN));
  }

  /** {@code safety.alignment.source} is of the part ALIGNMENT. */
  private static String part(String field) {
    return field.replaceFirst("^safety\\.", "").replaceFirst("\\..*", "").toUpperCase(Locale.ROOT);
  }

  private static String parent(String field) {
    return field.replaceFirst("(^(?:safety\\.)?[a-z]+)\\..*", "$1");
  }

  private static boolean isSecret(String name) {
    String plain = name.replaceFirst("^" + OWN + "[A-Z]+_", "");
    return name.equals(HUB_TOKEN)
        || plain.equals(ACCESS_KEY)
        || plain.equals(SECRET_KEY)
        || plain.equals(SESSION_TOKEN)
        || plain.equals(TOKEN) && !plain.equals(name);
  }

  private static String printable(String name, String secret) {
    if (!secret.matches("[\\x21-\\x7e]+")) {
      throw new TrainerException(
          ExitReason.BAD_PLAN, name + ": expected one word of printable characters");
    }
    return secret;
  }
}
