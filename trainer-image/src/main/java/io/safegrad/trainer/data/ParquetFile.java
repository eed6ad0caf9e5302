package io.safegrad.trainer.data;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.parquet.ParquetReadOptions;
import org.apache.parquet.bytes.HeapByteBufferAllocator;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.metadata.BlockMetaData;
import org.apache.parquet.hadoop.metadata.ColumnChunkMetaData;
import org.apache.parquet.io.ColumnIOFactory;
import org.apache.parquet.io.LocalInputFile;
import org.apache.parquet.io.MessageColumnIO;
import org.apache.parquet.io.RecordReader;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.Type;

/**
 * Reads Parquet: of each row, the columns that data sets are made of. In memory is one group of
 * rows as it is packed, and one row. Errors name the row, from 1, and never quote it.
 */
final class ParquetFile {

  /** All that a format or an evaluation looks at. */
  static final List<String> COLUMNS =
      List.of(
          "messages", "tools", "instruction", "input", "output", "prompt", "completion", "text");

  /** Most bytes of a row group, packed, in the columns that are read. */
  static final long MAX_ROW_GROUP_BYTES = 256L << 20;

  /** Dictionaries and run lengths make a file small; a text repeated without end is no data set. */
  static final int MAX_RATIO = 100;

  /** Below this, the ratio does not matter. */
  static final long FREE_CHARACTERS = 64L << 20;

  private static final byte[] MAGIC = {'P', 'A', 'R', '1'};
  private static final String BROKEN =
      "expected Parquet, found a file that is broken, encrypted, or of a kind that is not read";

  private final Path file;
  private final String displayName;
  private int row = 1;
  private long characters;

  private ParquetFile(Path file, String displayName) {
    this.file = file;
    this.displayName = displayName;
  }

  /** Whether bytes are the first of a Parquet file. */
  static boolean startsWith(byte[] start) {
    return Arrays.equals(MAGIC, Arrays.copyOf(start, MAGIC.length));
  }

  /**
   * Hands each row on.
   *
   * @throws TrainerException with BAD_DATA for a broken file, one without a column that is looked
   *     at, a row group or a row above the limits, or a text that is not UTF-8; with OUT_OF_MEMORY
   *     for a row group that does not fit
   */
  static void read(Path file, String displayName, Consumer<DataRecord> consumer) {
    new ParquetFile(file, displayName).read(consumer);
  }

  private void read(Consumer<DataRecord> consumer) {
    try (ParquetFileReader reader = ParquetFileReader.open(new LocalInputFile(file), options())) {
      MessageType fileSchema = reader.getFileMetaData().getSchema();
      MessageType schema = selected(fileSchema);
      for (BlockMetaData block : reader.getRowGroups()) {
        checkRowGroup(block, schema);
      }
      reader.setRequestedSchema(schema);
      long fileBytes = Files.size(file);
      ParquetRecords records = new ParquetRecords(schema);
      MessageColumnIO columns = new ColumnIOFactory().getColumnIO(schema, fileSchema);
      for (PageReadStore group = reader.readNextRowGroup();
          group != null;
          group = reader.readNextRowGroup()) {
        RecordReader<ObjectNode> rows = columns.getRecordReader(group, records);
        for (long left = group.getRowCount(); left > 0; left--) {
          ObjectNode object = rows.read();
          count(records.size(), fileBytes);
          consumer.accept(new DataRecord(object, row, displayName));
          row++;
        }
      }
    } catch (IOException | RuntimeException e) {
      throw failure(e);
    } catch (OutOfMemoryError e) {
      // A page says how many values it has, and memory is taken by that.
      throw new TrainerException(
          ExitReason.OUT_OF_MEMORY,
          "%s: the row group of row %d needs more memory than there is; expected smaller ones (row_group_size of pyarrow), or a file that is not broken"
              .formatted(displayName, row),
          e);
    }
  }

  private static ParquetReadOptions options() {
    return new ParquetReadOptions.Builder(new PlainParquetConfiguration())
        .withCodecFactory(new ParquetCodecs())
        .withAllocator(new HeapByteBufferAllocator())
        .usePageChecksumVerification()
        .build();
  }

  private MessageType selected(MessageType schema) {
    List<Type> found =
        schema.getFields().stream().filter(each -> COLUMNS.contains(each.getName())).toList();
    if (found.isEmpty()) {
      throw new TrainerException(
          ExitReason.BAD_DATA,
          displayName
              + ": expected one of the columns "
              + String.join(", ", COLUMNS)
              + ", found none of these");
    }
    return new MessageType(schema.getName(), found);
  }

  /** What a footer says of its file is not trusted: memory is taken by it. */
  private void checkRowGroup(BlockMetaData block, MessageType schema) throws IOException {
    Set<String> selected =
        schema.getFields().stream().map(Type::getName).collect(Collectors.toSet());
    long fileBytes = Files.size(file);
    long bytes = 0;
    for (ColumnChunkMetaData chunk : block.getColumns()) {
      if (!selected.contains(chunk.getPath().toArray()[0])) {
        continue;
      }
      long start = chunk.getStartingPos();
      if (start < 0 || chunk.getTotalSize() < 0 || chunk.getTotalSize() > fileBytes - start) {
        throw new TrainerException(ExitReason.BAD_DATA, displayName + ": " + BROKEN);
      }
      bytes += chunk.getTotalSize();
    }
    if (bytes > MAX_ROW_GROUP_BYTES) {
      throw new TrainerException(
          ExitReason.BAD_DATA,
          displayName
              + ": expected row groups of at most "
              + MAX_ROW_GROUP_BYTES
              + " bytes, packed, found one of "
              + bytes
              + "; write the file with smaller ones (row_group_size of pyarrow)");
    }
  }

  private void count(int size, long fileBytes) {
    characters += size;
    if (characters > Math.max(FREE_CHARACTERS, fileBytes * MAX_RATIO)) {
      throw new TrainerException(
          ExitReason.BAD_DATA,
          displayName
              + ": expected Parquet of text, found a file that unpacks to more than "
              + MAX_RATIO
              + " times its size");
    }
  }

  private TrainerException failure(Exception thrown) {
    // The reader wraps what is thrown while it builds a row.
    for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
      if (cause instanceof TrainerException own) {
        return own;
      }
      if (cause instanceof ParquetRecords.UnusableValueException value) {
        return DataRecord.badData(displayName, row, value.getMessage());
      }
      if (cause instanceof ParquetRecords.UnusableColumnException column) {
        return new TrainerException(
            ExitReason.BAD_DATA, displayName + ": " + column.getMessage(), thrown);
      }
    }
    return new TrainerException(ExitReason.BAD_DATA, displayName + ": " + BROKEN, thrown);
  }
}
