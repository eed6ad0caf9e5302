package io.safegrad.trainer.source;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Brings a remote file's bytes here, going on where an earlier download stopped. */
final class FileDownload {

  private static final int BUFFER_BYTES = 1 << 16;
  private static final int PARTIAL_CONTENT = 206;
  private static final int RANGE_NOT_SATISFIABLE = 416;

  private final HttpTransport transport;
  private final Retries retries;
  private final long limit;

  /**
   * @param limit most bytes that one file may have
   */
  FileDownload(HttpTransport transport, Retries retries, long limit) {
    this.transport = transport;
    this.retries = retries;
    this.limit = limit;
  }

  /**
   * Completes a file. What it has of it stays on any failure.
   *
   * @param partial may be absent, or hold the first bytes
   * @throws TrainerException with BAD_PLAN when the server refuses or the file is too large, with
   *     SOURCE_UNAVAILABLE when it cannot be had, with INTERNAL when it cannot be written
   */
  void complete(RemoteFile file, Path partial) {
    if (file.size() != null) {
      checkLimit(file, file.size());
    }
    retries.call(
        file.label(),
        () -> {
          transfer(file, partial);
          return null;
        },
        () -> size(partial));
  }

  private static long size(Path partial) {
    try {
      return Files.exists(partial) ? Files.size(partial) : 0;
    } catch (IOException e) {
      return 0;
    }
  }

  private void transfer(RemoteFile file, Path partial) throws TransferException {
    try (FileChannel channel =
        FileChannel.open(partial, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      long start = channel.size();
      if (file.size() != null && start == file.size()) {
        return;
      }
      try (HttpTransport.Response response =
          transport.get(file.label(), file.address(), start, file.token())) {
        if (response.status() == RANGE_NOT_SATISFIABLE) {
          channel.truncate(0);
          throw new TransferException(
              "the file here is no part of the one there", (Throwable) null);
        }
        long from = response.status() == PARTIAL_CONTENT ? checkedRange(response, start) : 0;
        channel.truncate(from).position(from);
        receive(file, response, channel, from);
      }
      channel.force(true);
    } catch (IOException e) {
      throw new TrainerException(
          ExitReason.INTERNAL,
          "%s cannot be written to %s".formatted(file.label(), partial.getParent()),
          e);
    }
  }

  private static long checkedRange(HttpTransport.Response response, long start)
      throws TransferException {
    String range = response.header("Content-Range");
    if (range == null || !range.startsWith("bytes " + start + "-")) {
      throw new TransferException("the server sent another range than asked", (Throwable) null);
    }
    return start;
  }

  private void receive(
      RemoteFile file, HttpTransport.Response response, FileChannel channel, long from)
      throws IOException, TransferException {
    long total = response.length() < 0 ? -1 : from + response.length();
    checkLimit(file, total);
    byte[] buffer = new byte[BUFFER_BYTES];
    long received = from;
    try (InputStream body = open(response)) {
      for (int count = read(body, buffer); count >= 0; count = read(body, buffer)) {
        received += count;
        checkLimit(file, received);
        ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, count);
        while (bytes.hasRemaining()) {
          channel.write(bytes);
        }
      }
    }
    // A connection that breaks looks like the end of the body.
    if (total >= 0 && received < total) {
      throw new TransferException(
          "the connection broke after %d of %d bytes".formatted(received, total), (Throwable) null);
    }
  }

  private void checkLimit(RemoteFile file, long bytes) {
    if (bytes > limit) {
      throw new TrainerException(
          ExitReason.BAD_PLAN,
          "%s: the file is larger than %d bytes (SAFEGRAD_DOWNLOAD_LIMIT)"
              .formatted(file.label(), limit));
    }
  }

  private static InputStream open(HttpTransport.Response response) throws TransferException {
    try {
      return response.body();
    } catch (IOException e) {
      throw broken(e);
    }
  }

  private static int read(InputStream body, byte[] buffer) throws TransferException {
    try {
      return body.read(buffer);
    } catch (IOException e) {
      throw broken(e);
    }
  }

  private static TransferException broken(IOException e) {
    return new TransferException("the connection broke: " + HttpTransport.firstLine(e), e);
  }
}
