package io.safegrad.trainer;

import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import org.gaul.s3proxy.blobstore.BlobStore;
import org.gaul.s3proxy.blobstore.ForwardingBlobStore;
import org.gaul.s3proxy.blobstore.S3Exceptions;
import org.gaul.s3proxy.blobstore.domain.MultipartUpload;
import org.gaul.s3proxy.nio2blob.TransientNio2BlobStore;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.ResponseInputStream;
import software.amazon.awssdk.http.AbortableInputStream;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadResponse;
import software.amazon.awssdk.services.s3.model.DeleteObjectRequest;
import software.amazon.awssdk.services.s3.model.DeleteObjectResponse;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Request;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.S3Object;
import software.amazon.awssdk.services.s3.model.UploadPartRequest;
import software.amazon.awssdk.services.s3.model.UploadPartResponse;

/** S3Proxy on loopback with its objects in memory, and failures on request. */
public final class S3Server implements AutoCloseable {

  public static final String ACCESS_KEY = "AKIASAFEGRAD";
  public static final String SECRET_KEY = "very-secret-key";

  private final FaultyStore store = new FaultyStore(new TransientNio2BlobStore());
  private final S3Proxy proxy;

  /** Answers requests that are signed with the keys above. */
  public static S3Server signed(String... buckets) throws Exception {
    return new S3Server(AuthenticationType.AWS_V4, buckets);
  }

  /** Answers every request. */
  public static S3Server open(String... buckets) throws Exception {
    return new S3Server(AuthenticationType.NONE, buckets);
  }

  private S3Server(AuthenticationType authentication, String... buckets) throws Exception {
    S3Proxy.Builder builder =
        S3Proxy.builder().blobStore(store).endpoint(URI.create("http://127.0.0.1:0"));
    if (authentication != AuthenticationType.NONE) {
      builder.awsAuthentication(authentication, ACCESS_KEY, SECRET_KEY);
    }
    proxy = builder.stopTimeout(0).build();
    proxy.start();
    for (String bucket : buckets) {
      store.createContainer(bucket);
    }
  }

  public String endpoint() {
    return "http://127.0.0.1:" + proxy.getPort();
  }

  /** The environment of a trainer that uses this server with its keys. */
  public Map<String, String> variables() {
    return Map.of(
        "AWS_ENDPOINT_URL_S3", endpoint(),
        "AWS_ACCESS_KEY_ID", ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY", SECRET_KEY);
  }

  /** Puts an object there. */
  public S3Server put(String bucket, String key, byte[] content) {
    store
        .delegate()
        .putBlob(
            PutObjectRequest.builder()
                .bucket(bucket)
                .key(key)
                .contentLength((long) content.length)
                .build(),
            new ByteArrayInputStream(content));
    return this;
  }

  public byte[] get(String bucket, String key) throws IOException {
    try (InputStream in = store.delegate().getBlob(bucket, key)) {
      return in.readAllBytes();
    }
  }

  public void delete(String bucket, String key) {
    store.delegate().removeBlob(bucket, key);
  }

  /** The keys of all objects in a bucket, in order. */
  public List<String> keys(String bucket) {
    return store
        .delegate()
        .list(ListObjectsV2Request.builder().bucket(bucket).maxKeys(1000).build())
        .contents()
        .stream()
        .map(S3Object::key)
        // By which S3Proxy remembers an upload; its answers do not list them.
        .filter(key -> !key.startsWith(".s3proxy-"))
        .sorted()
        .toList();
  }

  /** How many uploads in parts are neither completed nor aborted. */
  public int unfinishedUploads(String bucket) {
    return store.delegate().listMultipartUploads(bucket).size();
  }

  /** What was asked for: {@code GET key range}, {@code PART key number} and so on. */
  public List<String> requests() {
    return store.requests;
  }

  /** Breaks the connections of the next objects that are read after so many bytes. */
  public S3Server breakAfter(Integer... bytes) {
    store.breaks.addAll(Arrays.asList(bytes));
    return this;
  }

  /** Sends so many bytes of the next object, and then nothing more, nor an end. */
  public S3Server stallAfter(int bytes) {
    store.stall.set(bytes);
    return this;
  }

  /**
   * Answers the next requests of a kind with these statuses.
   *
   * @param beginning of the requests, as {@link #requests} has them
   */
  public S3Server fail(String beginning, Integer... statuses) {
    store
        .failures
        .computeIfAbsent(beginning, key -> new ConcurrentLinkedDeque<>())
        .addAll(Arrays.asList(statuses));
    return this;
  }

  /** Runs once, before the next request with this beginning is answered. */
  public S3Server before(String beginning, Runnable action) {
    store.actions.put(beginning, action);
    return this;
  }

  /** Begins an upload in parts, as a process that is killed leaves it. */
  public void begin(String bucket, String key) {
    try (S3Client client =
        S3Client.builder()
            .endpointOverride(URI.create(endpoint()))
            .forcePathStyle(true)
            .region(Region.US_EAST_1)
            .httpClientBuilder(UrlConnectionHttpClient.builder())
            .credentialsProvider(
                StaticCredentialsProvider.create(
                    AwsBasicCredentials.create(ACCESS_KEY, SECRET_KEY)))
            .build()) {
      client.createMultipartUpload(upload -> upload.bucket(bucket).key(key));
    }
  }

  @Override
  public void close() throws Exception {
    store.closing.countDown();
    proxy.stop();
  }

  private static final class FaultyStore extends ForwardingBlobStore {

    private final List<String> requests = new CopyOnWriteArrayList<>();
    private final Map<String, Deque<Integer>> failures = new ConcurrentHashMap<>();
    private final Map<String, Runnable> actions = new ConcurrentHashMap<>();
    private final Deque<Integer> breaks = new ConcurrentLinkedDeque<>();
    private final AtomicReference<Integer> stall = new AtomicReference<>();
    private final CountDownLatch closing = new CountDownLatch(1);

    FaultyStore(BlobStore store) {
      super(store);
    }

    @Override
    public BlobStore delegate() {
      return super.delegate();
    }

    @Override
    public ResponseInputStream<GetObjectResponse> getBlob(GetObjectRequest request) {
      arrived("GET", request.key() + (request.range() == null ? "" : " " + request.range()));
      ResponseInputStream<GetObjectResponse> stream = super.getBlob(request);
      Integer stalled = stall.getAndSet(null);
      Integer broken = stalled == null ? breaks.poll() : stalled;
      if (broken == null) {
        return stream;
      }
      return new ResponseInputStream<>(
          stream.response(),
          AbortableInputStream.create(new EndingStream(stream, broken, stalled != null)));
    }

    @Override
    public UploadPartResponse uploadMultipartPart(
        MultipartUpload upload, UploadPartRequest request, InputStream body) {
      arrived("PART", upload.blobName() + " " + request.partNumber());
      return super.uploadMultipartPart(upload, request, body);
    }

    @Override
    public CompleteMultipartUploadResponse completeMultipartUpload(
        MultipartUpload upload, CompleteMultipartUploadRequest request) {
      arrived("COMPLETE", upload.blobName());
      return super.completeMultipartUpload(upload, request);
    }

    @Override
    public DeleteObjectResponse removeBlob(DeleteObjectRequest request) {
      arrived("DELETE", request.key());
      return super.removeBlob(request);
    }

    private void arrived(String kind, String what) {
      String request = kind + " " + what;
      requests.add(request);
      actions.keySet().stream()
          .filter(request::startsWith)
          .findFirst()
          .map(actions::remove)
          .ifPresent(Runnable::run);
      failures.entrySet().stream()
          .filter(entry -> request.startsWith(entry.getKey()))
          .map(entry -> entry.getValue().poll())
          .filter(Objects::nonNull)
          .findFirst()
          .ifPresent(
              status -> {
                throw S3Exceptions.fromStatusCode(status);
              });
    }

    /** Some bytes, and then a failure or nothing. */
    private final class EndingStream extends FilterInputStream {

      private final boolean silently;
      private int left;

      EndingStream(InputStream in, int bytes, boolean silently) {
        super(in);
        this.left = bytes;
        this.silently = silently;
      }

      @Override
      public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
      }

      @Override
      public int read(byte[] buffer, int offset, int length) throws IOException {
        if (left == 0) {
          if (silently) {
            awaitClosing();
          }
          throw new IOException("broken on request");
        }
        int count = super.read(buffer, offset, Math.min(length, left));
        left -= Math.max(0, count);
        return count;
      }

      private void awaitClosing() {
        try {
          closing.await();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      }
    }
  }
}
