package io.safegrad.trainer.run;

import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.source.SourceResolver;
import java.io.IOException;
import java.nio.file.Path;

/**
 * Where the results and the checkpoints of a run go. It holds the whole of a result or what it held
 * before, and no other plan's adapter is ever replaced.
 */
interface Destination {

  /** What is to be published. */
  @FunctionalInterface
  interface Content<T> {

    /** Writes all files into an empty folder and says what they are. */
    T writeTo(Path folder) throws IOException;
  }

  /**
   * Proves, before any time is spent, that a destination can be written and that nothing of
   * somebody else is lost by it. Leaves it as it was.
   *
   * @param field the plan's field with the address, for messages
   * @throws TrainerException with BAD_PLAN when it cannot be used, with SOURCE_UNAVAILABLE when it
   *     cannot be reached
   */
  static Destination prepare(String field, String uri, SourceResolver resolver, String planDigest) {
    return SourceResolver.isObjectStore(uri)
        ? S3Publication.prepare(
            field, uri, resolver.objectStore(field, uri), resolver.workspace(), planDigest)
        : Publication.prepare(field, uri, resolver.destination(field, uri), planDigest);
  }

  /**
   * Publishes; on any failure there is as much to be seen as before.
   *
   * @return what the content says it is
   * @throws TrainerException with INTERNAL when the disk is full or cannot be written, with
   *     SOURCE_UNAVAILABLE when the destination cannot be reached
   */
  <T> T publish(Content<T> content);

  /** The plan's checkpoints, at a place that outlasts a pod. */
  CheckpointStore checkpoints();

  /** Where a user finds what is published. */
  String place();

  /** Removes what was not published. */
  void discard();

  /** The same at every attempt of a plan, so that an attempt finds what a killed one left. */
  static String suffix(String planDigest) {
    return planDigest.substring("sha256:".length()).substring(0, 12);
  }
}
