package io.safegrad.trainer.data;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.zip.ZipException;

/**
 * Reads a file of records: Parquet, which its first bytes tell, CSV when its name ends in {@code
 * .csv}, JSON Lines otherwise, and either of these two in gzip, which its first bytes tell. One
 * record is in memory at a time; of Parquet, a group of rows as it is packed.
 */
final class DataFile {

  private static final int MAGIC_BYTES = 4;

  // An address may go on after the file's name.
  private static final Pattern GZIP_NAME = Pattern.compile("\\.gz([?#].*)?$");
  private static final Pattern PARQUET_NAME = Pattern.compile("\\.parquet([?#].*)?$");
  private static final Pattern CSV_NAME = Pattern.compile("\\.csv(\\.gz)?([?#].*)?$");

  private DataFile() {}

  /**
   * Turns every record into a value, and keeps all values.
   *
   * @throws TrainerException as {@link #forEach}
   */
  static <T> List<T> read(Path file, String displayName, Function<DataRecord, T> parser) {
    List<T> values = new ArrayList<>();
    forEach(file, displayName, each -> values.add(parser.apply(each)));
    return values;
  }

  /**
   * Hands every record on.
   *
   * @param displayName the file's name in errors; its ending says what the file is
   * @throws TrainerException with BAD_DATA for a broken record or a file without any; with
   *     SOURCE_UNAVAILABLE when the file is not there or cannot be read
   */
  static void forEach(Path file, String displayName, Consumer<DataRecord> consumer) {
    if (!Files.isRegularFile(file)) {
      throw new TrainerException(
          ExitReason.SOURCE_UNAVAILABLE,
          displayName + ": expected a file of examples, but there is no such file");
    }
    AtomicBoolean any = new AtomicBoolean();
    try (InputStream bytes = new BufferedInputStream(Files.newInputStream(file), 1 << 16)) {
      readRecords(
          file,
          bytes,
          displayName,
          each -> {
            any.set(true);
            consumer.accept(each);
          });
    } catch (EOFException | ZipException e) {
      throw new TrainerException(
          ExitReason.BAD_DATA,
          displayName + ": expected gzip, found gzip that is broken or ends too early",
          e);
    } catch (IOException e) {
      throw new TrainerException(
          ExitReason.SOURCE_UNAVAILABLE, displayName + ": could not be read", e);
    }
    if (!any.get()) {
      throw new TrainerException(
          ExitReason.BAD_DATA, displayName + ": expected at least one example, found none");
    }
  }

  private static void readRecords(
      Path file, InputStream bytes, String displayName, Consumer<DataRecord> consumer)
      throws IOException {
    String name = displayName.toLowerCase(Locale.ROOT);
    InputStream content = bytes;
    if (ParquetFile.startsWith(peek(bytes))) {
      ParquetFile.read(file, displayName, consumer);
      return;
    }
    if (PARQUET_NAME.matcher(name).find()) {
      throw new TrainerException(
          ExitReason.BAD_DATA,
          displayName + ": expected Parquet, as its name says; found other bytes");
    }
    if (GzipContent.startsHere(bytes)) {
      content =
          new BufferedInputStream(GzipContent.open(bytes, Files.size(file), displayName), 1 << 16);
    } else if (GZIP_NAME.matcher(name).find()) {
      throw new TrainerException(
          ExitReason.BAD_DATA,
          displayName + ": expected gzip, as its name says; found other bytes");
    }
    if (CSV_NAME.matcher(name).find()) {
      CsvFile.read(content, displayName, consumer);
    } else {
      JsonLines.read(content, displayName, consumer);
    }
  }

  private static byte[] peek(InputStream stream) throws IOException {
    stream.mark(MAGIC_BYTES);
    byte[] start = stream.readNBytes(MAGIC_BYTES);
    stream.reset();
    return start;
  }
}
