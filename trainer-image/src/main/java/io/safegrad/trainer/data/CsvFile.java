package io.safegrad.trainer.data;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import de.siegmar.fastcsv.reader.AbstractBaseCsvCallbackHandler;
import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.FieldMismatchStrategy;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.function.Consumer;

/**
 * Reads CSV as RFC 4180 has it: UTF-8, commas, double quotes, a header. Each record becomes an
 * object of texts under the header's names. Errors name the line that the record begins at and
 * never quote it.
 */
final class CsvFile {

  /** Longest field, in characters. */
  static final int MAX_FIELD_CHARACTERS = 16 << 20;

  /** Most characters of a record, in all its fields. */
  static final long MAX_RECORD_CHARACTERS = 4L * MAX_FIELD_CHARACTERS;

  /** Most fields of a record. */
  static final int MAX_FIELDS = 1000;

  private CsvFile() {}

  /** One record's fields, and where it begins. */
  private record Row(List<String> fields, int line) {}

  /**
   * Hands each record on.
   *
   * @throws TrainerException with BAD_DATA for broken quoting, another number of fields than the
   *     header has, a field above the limit, or other bytes than UTF-8
   */
  static void read(InputStream stream, String displayName, Consumer<DataRecord> consumer)
      throws IOException {
    RowHandler handler = new RowHandler(displayName);
    InputStreamReader reader = new InputStreamReader(stream, StandardCharsets.UTF_8.newDecoder());
    Iterator<Row> rows =
        CsvReader.builder()
            .allowUnclosedQuote(false)
            .extraFieldStrategy(FieldMismatchStrategy.IGNORE)
            .missingFieldStrategy(FieldMismatchStrategy.IGNORE)
            .maxBufferSize(MAX_FIELD_CHARACTERS)
            .build(handler, reader)
            .iterator();
    try {
      if (rows.hasNext()) {
        List<String> header = header(rows.next(), displayName);
        while (rows.hasNext()) {
          consumer.accept(record(header, rows.next(), displayName));
        }
      }
    } catch (CsvParseException e) {
      if (e.getCause() instanceof TrainerException own) {
        throw own;
      }
      // The parser's message quotes the character at fault.
      throw DataRecord.badData(
          displayName,
          handler.line(),
          "expected CSV, found a record with broken quoting, or a field longer than "
              + MAX_FIELD_CHARACTERS
              + " characters");
    } catch (UncheckedIOException e) {
      if (e.getCause() instanceof CharacterCodingException) {
        throw DataRecord.badData(
            displayName, handler.line(), "expected UTF-8, found other bytes here or below");
      }
      throw e.getCause();
    }
  }

  private static List<String> header(Row row, String displayName) {
    List<String> names = new ArrayList<>(row.fields());
    if (names.get(0).startsWith("\uFEFF")) {
      names.set(0, names.get(0).substring(1));
    }
    if (new HashSet<>(names).size() < names.size()) {
      throw DataRecord.badData(
          displayName, row.line(), "expected a header of different names, found one twice");
    }
    if (names.size() == 1 && (names.get(0).contains(";") || names.get(0).contains("\t"))) {
      throw DataRecord.badData(
          displayName,
          row.line(),
          "expected commas between the columns, found a header of one column with semicolons or"
              + " tabs");
    }
    return names;
  }

  private static DataRecord record(List<String> header, Row row, String displayName) {
    if (row.fields().size() != header.size()) {
      throw DataRecord.badData(
          displayName,
          row.line(),
          "expected " + header.size() + " fields, as the header has, found " + row.fields().size());
    }
    ObjectNode object = JsonNodeFactory.instance.objectNode();
    for (int i = 0; i < header.size(); i++) {
      object.put(header.get(i), row.fields().get(i));
    }
    return new DataRecord(object, row.line(), displayName);
  }

  /** Collects a record's fields, and knows its line even when it is broken. */
  private static final class RowHandler extends AbstractBaseCsvCallbackHandler<Row> {

    private final String displayName;
    private List<String> fields = new ArrayList<>();
    private long characters;

    RowHandler(String displayName) {
      this.displayName = displayName;
    }

    int line() {
      return (int) Math.max(1, getStartingLineNumber());
    }

    @Override
    protected void handleBegin(long startingLineNumber) {
      fields = new ArrayList<>();
      characters = 0;
    }

    @Override
    protected void handleField(int index, char[] buffer, int offset, int length, boolean quoted) {
      characters += length;
      if (characters > MAX_RECORD_CHARACTERS || index >= MAX_FIELDS) {
        throw DataRecord.badData(
            displayName,
            line(),
            "expected a record of at most "
                + MAX_FIELDS
                + " fields and "
                + MAX_RECORD_CHARACTERS
                + " characters, found more");
      }
      fields.add(new String(buffer, offset, length));
    }

    @Override
    protected Row buildRecord() {
      return new Row(fields, line());
    }
  }
}
