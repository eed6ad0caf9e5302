package io.safegrad.trainer.source;

import java.io.Closeable;
import java.time.Duration;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import software.amazon.awssdk.auth.credentials.AnonymousCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.ResponseInputStream;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.profiles.ProfileFile;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;
import software.amazon.awssdk.services.s3.S3Configuration;
import software.amazon.awssdk.services.s3.model.ChecksumMode;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Request;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Response;

/**
 * One bucket of S3, with the keys of one part of the plan.
 *
 * <p>Amazon's client sends and signs the requests; repeating them is {@link Retries}' business, and
 * integrity that of digests: checksums of Amazon's own are asked of no server, since many have
 * none. The keys are those given here, never those of files or of the machine.
 */
final class S3Bucket implements Closeable {

  private static final Duration TIMEOUT = Duration.ofSeconds(30);
  private static final int PRECONDITION_FAILED = 412;
  private static final int RANGE_NOT_SATISFIABLE = 416;
  private static final int SERVER = 500;
  private static final int SHA256_BYTES = 32;

  private final S3Client client;
  private final String name;
  private final boolean signed;
  private final Retries retries;

  private S3Bucket(S3Client client, String name, boolean signed, Retries retries) {
    this.client = client;
    this.name = name;
    this.signed = signed;
    this.retries = retries;
  }

  /**
   * A bucket; nothing is asked yet.
   *
   * @param keys null for requests without a signature, as public buckets take them
   */
  static S3Bucket of(S3Settings settings, S3Keys keys, String name, Retries retries) {
    NativeCryptography.use();
    boolean elsewhere = settings.endpoint() != null;
    S3ClientBuilder builder =
        S3Client.builder()
            .httpClientBuilder(
                UrlConnectionHttpClient.builder().connectionTimeout(TIMEOUT).socketTimeout(TIMEOUT))
            .region(Region.of(settings.region()))
            .credentialsProvider(credentials(keys))
            .overrideConfiguration(
                override ->
                    override
                        .retryStrategy(AwsRetryStrategy.doNotRetry())
                        .defaultProfileFile(ProfileFile.aggregator().build()))
            .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
            .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
            .crossRegionAccessEnabled(!elsewhere)
            .serviceConfiguration(
                S3Configuration.builder()
                    .chunkedEncodingEnabled(false)
                    .expectContinueEnabled(false)
                    .pathStyleAccessEnabled(elsewhere)
                    .build());
    if (elsewhere) {
      builder.endpointOverride(settings.endpoint());
    }
    return new S3Bucket(builder.build(), name, keys != null, retries);
  }

  private static AwsCredentialsProvider credentials(S3Keys keys) {
    if (keys == null) {
      return AnonymousCredentialsProvider.create();
    }
    return StaticCredentialsProvider.create(
        keys.sessionToken() == null
            ? AwsBasicCredentials.create(keys.accessKeyId(), keys.secretAccessKey())
            : AwsSessionCredentials.create(
                keys.accessKeyId(), keys.secretAccessKey(), keys.sessionToken()));
  }

  /** What an object is at one moment. */
  record Version(String key, long size, String entityTag, String id, Checksum checksum) {

    /** Tells its bytes from those of every other version. */
    String identity() {
      return "%s#%s-%d-%s".formatted(key, entityTag, size, id);
    }
  }

  S3Client client() {
    return client;
  }

  String name() {
    return name;
  }

  /**
   * Does a request, and again when that may help.
   *
   * @param label field and address, for messages
   */
  <T> T call(String label, S3Failure.Call<T> call) {
    return retries.call(label, () -> S3Failure.attempt(label, signed, call));
  }

  /** Does a request once: where there is no time for more. */
  <T> T once(String label, S3Failure.Call<T> call) {
    return new Retries(1, Duration.ZERO).call(label, () -> S3Failure.attempt(label, signed, call));
  }

  /** An object as it is now. */
  Version version(String label, String key) {
    HeadObjectResponse head = call(label, () -> head(key));
    return new Version(
        key, head.contentLength(), head.eTag(), head.versionId(), checksum(head.checksumSHA256()));
  }

  /** An answer to HEAD has no body, so what is wrong is asked for again by GET. */
  private HeadObjectResponse head(String key) {
    try {
      return client.headObject(
          head -> head.bucket(name).key(key).checksumMode(ChecksumMode.ENABLED));
    } catch (AwsServiceException e) {
      if (e.statusCode() < SERVER) {
        client.getObject(get -> get.bucket(name).key(key).range("bytes=0-0")).abort();
      }
      throw e;
    }
  }

  /** Of the whole object; that of an object in parts has their number at its end. */
  private static Checksum checksum(String base64) {
    if (base64 == null || base64.contains("-")) {
      return null;
    }
    byte[] bytes = Base64.getDecoder().decode(base64);
    return bytes.length == SHA256_BYTES
        ? new Checksum(Checksum.Algorithm.SHA256, HexFormat.of().formatHex(bytes))
        : null;
  }

  /** How the bytes of one version are asked for. */
  RemoteBytes.Request request(String label, Version version) {
    return start ->
        S3Changed.unwrap(() -> S3Failure.attempt(label, signed, () -> get(version, start)));
  }

  private RemoteBytes get(Version version, long start) {
    try {
      ResponseInputStream<GetObjectResponse> stream =
          client.getObject(
              get ->
                  get.bucket(name)
                      .key(version.key())
                      .versionId(version.id())
                      .ifMatch(version.entityTag())
                      .range(start == 0 ? null : "bytes=" + start + "-"));
      GetObjectResponse head = stream.response();
      if (!version.entityTag().equals(head.eTag())) {
        stream.abort();
        throw new S3Changed();
      }
      long from = start > 0 && head.contentRange() != null ? start : 0;
      return new RemoteBytes(from, head.contentLength(), () -> stream, stream::abort);
    } catch (AwsServiceException e) {
      if (e.statusCode() == PRECONDITION_FAILED) {
        throw new S3Changed();
      }
      if (e.statusCode() == RANGE_NOT_SATISFIABLE && start > 0) {
        return get(version, 0);
      }
      throw e;
    }
  }

  /** Leaves a request whose answer is of another version. */
  private static final class S3Changed extends RuntimeException {

    private static final long serialVersionUID = 1L;

    static RemoteBytes unwrap(Retries.Attempt<RemoteBytes> attempt)
        throws TransferException, RemoteBytes.ChangedException {
      try {
        return attempt.run();
      } catch (S3Changed e) {
        throw new RemoteBytes.ChangedException();
      }
    }
  }

  /**
   * The objects whose keys begin with a prefix, by what follows it.
   *
   * @param delimiter {@code /} leaves out those below a further folder; null does not
   * @param limit most objects that are listed
   * @return size in bytes of each
   */
  Map<String, Long> list(String label, String prefix, String delimiter, int limit) {
    Map<String, Long> objects = new TreeMap<>();
    ListObjectsV2Request.Builder request =
        ListObjectsV2Request.builder().bucket(name).prefix(prefix).delimiter(delimiter);
    ListObjectsV2Response page;
    do {
      page = call(label, () -> client.listObjectsV2(request.build()));
      page.contents()
          .forEach(object -> objects.put(object.key().substring(prefix.length()), object.size()));
      request.continuationToken(page.nextContinuationToken());
    } while (Boolean.TRUE.equals(page.isTruncated()) && objects.size() < limit);
    return objects;
  }

  @Override
  public void close() {
    client.close();
  }
}
