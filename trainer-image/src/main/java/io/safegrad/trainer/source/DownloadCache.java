package io.safegrad.trainer.source;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Downloaded files under the names of their content, shared by runs.
 *
 * <ul>
 *   <li>{@code sha256/…}, {@code git_blob/…}: files by checksum, which is checked at every use;
 *   <li>{@code address/…}: files whose server gives no checksum, by SHA-256 of the address that
 *       pins them; the checksum that each had when it came lies beside it, and is checked at every
 *       use;
 *   <li>{@code partial/…}: downloads under way, or stopped by a crash and to be gone on with;
 *   <li>{@code locks/…}: one lock per file, which the system frees when its process ends.
 * </ul>
 */
final class DownloadCache {

  private static final Logger LOG = LoggerFactory.getLogger(DownloadCache.class);
  private static final long LOCK_POLL_MILLIS = 100;

  private final Path folder;
  private final FileDownload download;

  DownloadCache(Path folder, FileDownload download) {
    this.folder = folder;
    this.download = download;
  }

  /**
   * The whole file, from here or from its server.
   *
   * @throws TrainerException as {@link FileDownload#complete}, and with BAD_DATA when its bytes are
   *     not those that were expected
   */
  Path get(RemoteFile file) {
    String kind =
        file.checksum() == null
            ? "address"
            : file.checksum().algorithm().name().toLowerCase(Locale.ROOT);
    String name = file.checksum() == null ? sha256(file.identity()) : file.checksum().hex();
    Path whole = folder.resolve(kind).resolve(name);
    Path partial = folder.resolve("partial").resolve(kind + "-" + name);
    Path lock = folder.resolve("locks").resolve(kind + "-" + name);
    try {
      for (Path path : new Path[] {whole, partial, lock}) {
        Files.createDirectories(path.getParent());
      }
      try (FileChannel channel =
              FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
          FileLock held = lock(channel, file)) {
        Path seen = whole.resolveSibling(name + ".sha256");
        if (!Files.exists(whole) || !isWhole(file, whole) || !isAsSeen(file, whole, seen)) {
          downloadInto(file, partial);
          if (file.checksum() == null) {
            Files.writeString(seen, Sha256.ofFile(partial));
          }
          Files.move(
              partial, whole, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        }
        return whole.toRealPath();
      }
    } catch (IOException e) {
      throw new TrainerException(
          ExitReason.INTERNAL,
          "%s cannot be kept in %s (SAFEGRAD_CACHE): %s"
              .formatted(file.label(), folder, HttpTransport.firstLine(e)),
          e);
    }
  }

  private void downloadInto(RemoteFile file, Path partial) throws IOException {
    boolean begun = Files.exists(partial) && Files.size(partial) > 0;
    LOG.info("{}: downloading{}", file.label(), begun ? ", from where it stopped" : "");
    download.complete(file, partial);
    if (begun && !isWhole(file, partial)) {
      // What lay there may have been damaged; the server has another chance.
      Files.delete(partial);
      download.complete(file, partial);
    }
    if (!isWhole(file, partial)) {
      Files.delete(partial);
      throw new TrainerException(
          ExitReason.BAD_DATA,
          "%s: the bytes there do not have the expected %s"
              .formatted(file.label(), expectation(file)));
    }
  }

  private static boolean isWhole(RemoteFile file, Path path) throws IOException {
    return (file.size() == null || Files.size(path) == file.size())
        && (file.checksum() == null || file.checksum().matches(path));
  }

  /** Whether a file without a checksum of its server's is what it was when it came. */
  private static boolean isAsSeen(RemoteFile file, Path whole, Path seen) throws IOException {
    return file.checksum() != null
        || Files.exists(seen) && Files.readString(seen).equals(Sha256.ofFile(whole));
  }

  private static String expectation(RemoteFile file) {
    return file.checksum() == null
        ? "length of %d bytes".formatted(file.size())
        : "%s %s".formatted(file.checksum().algorithm(), file.checksum().hex());
  }

  /** Waits for another run, or another thread of this one, that downloads the same file. */
  private static FileLock lock(FileChannel channel, RemoteFile file) throws IOException {
    for (boolean told = false; ; told = true) {
      FileLock lock = tryLock(channel);
      if (lock != null) {
        return lock;
      }
      if (!told) {
        LOG.info("{}: waiting for another run that downloads it", file.label());
      }
      try {
        Thread.sleep(LOCK_POLL_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted", e);
      }
    }
  }

  private static FileLock tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      return null;
    }
  }

  private static String sha256(String text) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
