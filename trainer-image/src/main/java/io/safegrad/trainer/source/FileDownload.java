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

  private final Retries retries;
  private final long limit;

  /**
   * @param limit most bytes that one file may have
   */
  FileDownload(Retries retries, long limit) {
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
      try (RemoteBytes bytes = file.request().from(start)) {
        channel.truncate(bytes.start()).position(bytes.start());
        receive(file, bytes, channel);
      } catch (RemoteBytes.ChangedException e) {
        channel.truncate(0);
        throw new TrainerException(
            ExitReason.SOURCE_UNAVAILABLE,
            file.label()
                + ": it changed while it was downloaded; another attempt takes what is there then",
            e);
      }
      channel.force(true);
    } catch (IOException e) {
      throw new TrainerException(
          ExitReason.INTERNAL,
          "%s cannot be written to %s: %s"
              .formatted(file.label(), partial.getParent(), HttpTransport.firstLine(e)),
          e);
    }
  }

  private void receive(RemoteFile file, RemoteBytes bytes, FileChannel channel)
      throws IOException, TransferException {
    long total = bytes.length() < 0 ? -1 : bytes.start() + bytes.length();
    checkLimit(file, total);
    byte[] buffer = new byte[BUFFER_BYTES];
    long received = bytes.start();
    try (InputStream body = open(bytes)) {
      for (int count = read(body, buffer); count >= 0; count = read(body, buffer)) {
        received += count;
        checkLimit(file, received);
        ByteBuffer piece = ByteBuffer.wrap(buffer, 0, count);
        while (piece.hasRemaining()) {
          channel.write(piece);
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

  private static InputStream open(RemoteBytes bytes) throws TransferException {
    try {
      return bytes.body().open();
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
