package io.safegrad.trainer.source;

import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.model.CompletedPart;

/**
 * Files on their way to a bucket. Every file is an upload in parts, which nobody sees until it is
 * completed. Files that belong together are sent all of them before the first is completed, so what
 * can go wrong for long goes wrong before anything is to be seen.
 *
 * <p>Failures are those of {@link S3Folder}.
 */
final class S3Uploads {

  /** The name of what says who sent a file. */
  static final String MAKER = "safegrad-maker";

  private static final long PART_BYTES = 16 << 20;
  private static final int MOST_PARTS = 10_000;
  private static final String SHA256 = "safegrad-sha256";

  private final S3Bucket bucket;
  private final String prefix;
  private final String label;
  private final Set<Upload> open = ConcurrentHashMap.newKeySet();
  private volatile boolean aborted;

  /** A file that is being sent. */
  private record Upload(String key, String id, String sha256, List<CompletedPart> parts) {}

  /**
   * @param prefix of the keys, without a slash at its end
   * @param label field and address, for messages
   */
  S3Uploads(S3Bucket bucket, String prefix, String label) {
    this.bucket = bucket;
    this.prefix = prefix;
    this.label = label;
  }

  /** As {@link S3Folder#upload}. */
  void send(Path root, List<String> names, String maker, Runnable arrived) throws IOException {
    List<Upload> uploads = new ArrayList<>();
    try {
      for (String name : names) {
        uploads.add(send(root.resolve(name), name, maker));
      }
      arrived.run();
      for (Upload upload : uploads) {
        complete(upload);
        open.remove(upload);
      }
    } catch (IOException | RuntimeException | Error e) {
      abandonQuietly(e);
      throw e;
    }
  }

  /** Gives up what is being sent, from another thread, as the process is ending. */
  void abandon() {
    aborted = true;
    abortOpen();
  }

  private Upload send(Path file, String name, String maker) throws IOException {
    String sha256 = Sha256.ofFile(file);
    String key = prefix + "/" + name;
    String id =
        bucket.call(label + " " + name, () -> create(key, Map.of(MAKER, maker, SHA256, sha256)));
    Upload upload = new Upload(key, id, sha256, new ArrayList<>());
    open.add(upload);
    try (FileChannel channel = FileChannel.open(file);
        InputStream in = Channels.newInputStream(channel)) {
      long size = channel.size();
      int partBytes = Math.toIntExact(Math.max(PART_BYTES, size / MOST_PARTS + 1));
      long sent = 0;
      do {
        byte[] bytes = in.readNBytes(partBytes);
        upload.parts().add(send(upload, upload.parts().size() + 1, bytes));
        sent += bytes.length;
      } while (sent < size);
    }
    return upload;
  }

  private CompletedPart send(Upload upload, int number, byte[] bytes) {
    if (aborted) {
      throw new IllegalStateException("the upload was abandoned");
    }
    String md5 = md5(bytes);
    String entityTag =
        bucket
            .call(
                label,
                () ->
                    bucket
                        .client()
                        .uploadPart(
                            part ->
                                part.bucket(bucket.name())
                                    .key(upload.key())
                                    .uploadId(upload.id())
                                    .partNumber(number)
                                    .contentMD5(md5),
                            RequestBody.fromBytes(bytes)))
            .eTag();
    return CompletedPart.builder().partNumber(number).eTag(entityTag).build();
  }

  private void complete(Upload upload) {
    bucket.call(
        label,
        () -> {
          try {
            return bucket
                .client()
                .completeMultipartUpload(
                    it ->
                        it.bucket(bucket.name())
                            .key(upload.key())
                            .uploadId(upload.id())
                            .multipartUpload(all -> all.parts(upload.parts())));
          } catch (AwsServiceException e) {
            // The answer to an earlier request may have been lost.
            if (S3Failure.code(e).equals("NoSuchUpload") && isThere(upload)) {
              return null;
            }
            throw e;
          }
        });
  }

  private boolean isThere(Upload upload) {
    return upload
        .sha256()
        .equals(
            bucket
                .client()
                .headObject(head -> head.bucket(bucket.name()).key(upload.key()))
                .metadata()
                .get(SHA256));
  }

  /** Begins an upload. */
  String create(String key, Map<String, String> metadata) {
    return bucket
        .client()
        .createMultipartUpload(it -> it.bucket(bucket.name()).key(key).metadata(metadata))
        .uploadId();
  }

  /** Gives up an upload, also one that is gone. */
  Object abort(String key, String id) {
    try {
      return bucket
          .client()
          .abortMultipartUpload(it -> it.bucket(bucket.name()).key(key).uploadId(id));
    } catch (AwsServiceException e) {
      if (S3Failure.code(e).equals("NoSuchUpload")) {
        return null;
      }
      throw e;
    }
  }

  /** What made the upload fail may keep it from being aborted, and is what is told. */
  private void abandonQuietly(Throwable cause) {
    try {
      abortOpen();
    } catch (TrainerException e) {
      cause.addSuppressed(e);
    }
  }

  private void abortOpen() {
    for (Upload upload : open) {
      bucket.once(label, () -> abort(upload.key(), upload.id()));
      open.remove(upload);
    }
  }

  private static String md5(byte[] bytes) {
    try {
      return Base64.getEncoder().encodeToString(MessageDigest.getInstance("MD5").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
