package io.safegrad.trainer.source;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An address on the Hugging Face hub, in the form of its own tools: {@code hf://org/name[/path]} is
 * a model, {@code hf://datasets/org/name/path} a file of a data set.
 *
 * @param id {@code org/name}
 * @param path inside the repository; empty for its root
 */
record HubAddress(Kind kind, String id, String path) {

  private static final String NAME = "[A-Za-z0-9_][A-Za-z0-9._-]*";
  private static final Pattern FORM =
      Pattern.compile("hf://(datasets/)?(" + NAME + "/" + NAME + ")(?:/(.*))?");

  enum Kind {
    MODEL("models", ""),
    DATASET("datasets", "datasets/");

    private final String apiPath;
    private final String filePrefix;

    Kind(String apiPath, String filePrefix) {
      this.apiPath = apiPath;
      this.filePrefix = filePrefix;
    }
  }

  /** Empty when the text has another form, or its path climbs. */
  static Optional<HubAddress> parse(String uri) {
    Matcher matcher = FORM.matcher(uri);
    if (!matcher.matches()) {
      return Optional.empty();
    }
    Kind kind = matcher.group(1) == null ? Kind.MODEL : Kind.DATASET;
    String path = matcher.group(3) == null ? "" : matcher.group(3).replaceAll("/+$", "");
    boolean climbs = (matcher.group(2) + "/" + path).matches("(.*/)?\\.\\.?(/.*)?");
    boolean complete = kind == Kind.MODEL || !path.isEmpty();
    return climbs || !complete
        ? Optional.empty()
        : Optional.of(new HubAddress(kind, matcher.group(2), path));
  }

  /** Path of the listing of a revision, below the hub's root. */
  String listingPath(String encodedRevision) {
    return "/api/%s/%s/revision/%s?blobs=true".formatted(kind.apiPath, id, encodedRevision);
  }

  /** Path of a file's bytes, below the hub's root. */
  String filePath(String commit, String encodedFile) {
    return "/%s%s/resolve/%s/%s".formatted(kind.filePrefix, id, commit, encodedFile);
  }
}
