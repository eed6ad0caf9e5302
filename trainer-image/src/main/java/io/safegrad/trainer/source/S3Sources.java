package io.safegrad.trainer.source;

import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * Brings models and data from {@code s3://} addresses. Which version of an object is meant is asked
 * first; an object that changes after that is noticed, not mixed.
 */
final class S3Sources {

  private static final int MOST_FILES = 10_000;

  private final S3Settings settings;
  private final SourceSecrets secrets;
  private final Retries retries;
  private final Function<RemoteFile, Path> download;

  /**
   * @param download brings one file into the cache
   */
  S3Sources(
      S3Settings settings,
      SourceSecrets secrets,
      Retries retries,
      Function<RemoteFile, Path> download) {
    this.settings = settings;
    this.secrets = secrets;
    this.retries = retries;
    this.download = download;
  }

  /** The bucket of an address, with the keys of its part of the plan. */
  S3Bucket bucket(String field, S3Address address) {
    return S3Bucket.of(settings, secrets.s3Keys(field), address.bucket(), retries);
  }

  /** Downloads one object. */
  Path file(SourceSpec source, S3Address address) {
    try (S3Bucket bucket = bucket(source.field(), address)) {
      Checksum digest = source.digest() == null ? null : Checksum.ofDigest(source.digest());
      return object(bucket, label(source), address.key(), digest);
    }
  }

  /** Downloads the files of a model whose keys begin with the address; by their names. */
  Map<String, Path> model(SourceSpec source, S3Address address) {
    String folder = address.key() + "/";
    try (S3Bucket bucket = bucket(source.field(), address)) {
      Set<String> names =
          ModelFiles.namesIn("", bucket.list(label(source), folder, "/", MOST_FILES).keySet());
      return ModelFiles.download(
          label(source),
          "this folder",
          names,
          name -> object(bucket, label(source) + " " + name, folder + name, null));
    }
  }

  private static String label(SourceSpec source) {
    return source.field() + ": " + source.uri();
  }

  private Path object(S3Bucket bucket, String label, String key, Checksum digest) {
    S3Bucket.Version version = bucket.version(label, key);
    return download.apply(
        new RemoteFile(
            label,
            "s3 %s %s %s".formatted(settings.identity(), bucket.name(), version.identity()),
            version.size(),
            digest == null ? version.checksum() : digest,
            bucket.request(label, version)));
  }
}
