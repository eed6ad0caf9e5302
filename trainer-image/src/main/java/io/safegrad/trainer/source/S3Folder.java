package io.safegrad.trainer.source;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.MultipartUpload;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;

/**
 * The objects of a bucket whose keys begin with a prefix: a folder that receives results.
 *
 * <p>All failures are TrainerExceptions: BAD_PLAN when the server refuses, SOURCE_UNAVAILABLE when
 * it cannot be reached.
 */
public final class S3Folder {

  private static final int MOST_FILES = 100_000;

  private final S3Bucket bucket;
  private final String prefix;
  private final String label;
  private final S3Uploads uploads;

  /**
   * @param prefix without a slash at its end
   * @param label field and address, for messages
   */
  S3Folder(S3Bucket bucket, String prefix, String label) {
    this.bucket = bucket;
    this.prefix = prefix;
    this.label = label;
    this.uploads = new S3Uploads(bucket, prefix, label);
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
        .get(S3Uploads.MAKER);
  }

  /** Removes a file. */
  public void delete(String name) {
    bucket.call(label, () -> client().deleteObject(it -> it.bucket(bucket()).key(key(name))));
  }

  /** Proves that files can be sent here; leaves none. */
  public void requireWritable() {
    String key = key("report.json");
    String id = bucket.call(label, () -> uploads.create(key, Map.of()));
    bucket.call(label, () -> uploads.abort(key, id));
  }

  /** Frees the room of uploads that a killed process has left, where the server lets us. */
  public void removeUnfinished() {
    try {
      for (MultipartUpload upload : bucket.call(label, this::unfinished)) {
        bucket.call(label, () -> uploads.abort(upload.key(), upload.uploadId()));
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
    uploads.send(root, names, maker, arrived);
  }

  /** Gives up what is being sent, from another thread, as the process is ending. */
  public void abandon() {
    uploads.abandon();
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
}
