package io.safegrad.trainer.source;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.MultipartUpload;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;

/**
 * The objects of a bucket whose keys begin with a prefix: a folder that receives results.
 *
 * <p>Every file is an upload in parts, which nobody sees until it is completed. Files that belong
 * together are sent all of them before the first is completed, so what can go wrong for long goes
 * wrong before anything is to be seen.
 *
 * <p>All failures are TrainerExceptions: BAD_PLAN when the server refuses, SOURCE_UNAVAILABLE when
 * it cannot be reached.
 */
public final class S3Folder {

  private static final long PART_BYTES = 16 << 20;
  private static final int MOST_PARTS = 10_000;
  private static final int MOST_FILES = 100_000;
  private static final String MAKER = "safegrad-maker";
  private static final String SHA256 = "safegrad-sha256";

  private final S3Bucket bucket;
  private final String prefix;
  private final String label;
  private final Set<Upload> open = ConcurrentHashMap.newKeySet();
  private volatile boolean aborted;

  /** A file that is being sent. */
  private record Upload(String key, String id, String sha256, List<CompletedPart> parts) {}

  /**
   * @param prefix without a slash at its end
   * @param label field and address, for messages
   */
  S3Folder(S3Bucket bucket, String prefix, String label) {
    this.bucket = bucket;
    this.prefix = prefix;
    this.label = label;
  }

  /** The last part of the prefix. */
  public String name() {
    return prefix.substring(prefix.lastIndexOf('/') + 1);
  }

  /** A folder in this one. */
  public S3Folder folder(String name) {
    return new S3Folder(bucket, prefix + "/" + name, label);
  }

  /** A folder beside this one. */
  public S3Folder sibling(String name) {
    return new S3Folder(bucket, parent() + name, label);
  }

  /** Names of the folders beside this one that begin so. */
  public Set<String> siblings(String beginning) {
    Set<String> names = new TreeSet<>();
    for (String rest : bucket.list(label, parent() + beginning, null, MOST_FILES).keySet()) {
      if (rest.contains("/")) {
        names.add(beginning + rest.substring(0, rest.indexOf('/')));
      }
    }
    return names;
  }

  /** Paths of all files in this folder and below it. */
  public Set<String> list() {
    return bucket.list(label, prefix + "/", null, MOST_FILES).keySet();
  }

  /**
   * A small file.
   *
   * @param limit most bytes that are read of it
   * @return null when there is none
   */
  public byte[] read(String name, int limit) {
    return bucket.call(
        label,
        () -> {
          try (InputStream in = client().getObject(get -> get.bucket(bucket()).key(key(name)))) {
            return in.readNBytes(limit);
          } catch (NoSuchKeyException e) {
            return null;
          } catch (IOException e) {
            throw SdkClientException.create("broken", e);
          }
        });
  }

  /** Brings a file here. */
  public void download(String name, Path file) {
    bucket.call(
        label + " " + name,
        () -> {
          try (InputStream in = client().getObject(get -> get.bucket(bucket()).key(key(name)))) {
            return Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
          } catch (IOException e) {
            throw SdkClientException.create("broken", e);
          }
        });
  }

  /** Who sent a file, as {@link #upload} was told; null when that is not known. */
  public String maker(String name) {
    return bucket
        .call(label, () -> client().headObject(head -> head.bucket(bucket()).key(key(name))))
        .metadata()
        .get(MAKER);
  }

  /** Removes a file. */
  public void delete(String name) {
    bucket.call(label, () -> client().deleteObject(it -> it.bucket(bucket()).key(key(name))));
  }

  /** Proves that files can be sent here; leaves none. */
  public void requireWritable() {
    String key = key("report.json");
    String id = bucket.call(label, () -> create(key, Map.of()));
    bucket.call(label, () -> abort(key, id));
  }

  /** Frees the room of uploads that a killed process has left, where the server lets us. */
  public void removeUnfinished() {
    try {
      for (MultipartUpload upload : bucket.call(label, this::unfinished)) {
        bucket.call(label, () -> abort(upload.key(), upload.uploadId()));
      }
    } catch (TrainerException e) {
      if (e.reason() != ExitReason.BAD_PLAN) {
        throw e;
      }
      // Listing uploads is a right of its own; a rule of the bucket's may remove them, too.
    }
  }

  private List<MultipartUpload> unfinished() {
    return client().listMultipartUploads(it -> it.bucket(bucket()).prefix(prefix + "/")).uploads();
  }

  /**
   * Sends files. None of them is to be seen before all have arrived; then they appear one after the
   * other. A failure before that leaves nothing.
   *
   * @param root a folder of this machine
   * @param names paths of the files in it, which they keep
   * @param maker who sends them
   * @param arrived runs when all have arrived
   */
  public void upload(Path root, List<String> names, String maker, Runnable arrived)
      throws IOException {
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
  public void abandon() {
    aborted = true;
    abortOpen();
  }

  private Upload send(Path file, String name, String maker) throws IOException {
    String sha256 = Sha256.ofFile(file);
    String key = key(name);
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
                    client()
                        .uploadPart(
                            part ->
                                part.bucket(bucket())
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
            return client()
                .completeMultipartUpload(
                    it ->
                        it.bucket(bucket())
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
            client()
                .headObject(head -> head.bucket(bucket()).key(upload.key()))
                .metadata()
                .get(SHA256));
  }

  private String create(String key, Map<String, String> metadata) {
    return client()
        .createMultipartUpload(it -> it.bucket(bucket()).key(key).metadata(metadata))
        .uploadId();
  }

  private Object abort(String key, String id) {
    try {
      return client().abortMultipartUpload(it -> it.bucket(bucket()).key(key).uploadId(id));
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

  private S3Client client() {
    return bucket.client();
  }

  private String bucket() {
    return bucket.name();
  }

  private String key(String name) {
    return prefix + "/" + name;
  }

  private String parent() {
    return prefix.substring(0, prefix.lastIndexOf('/') + 1);
  }

  private static String md5(byte[] bytes) {
    try {
      return Base64.getEncoder().encodeToString(MessageDigest.getInstance("MD5").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
