package io.safegrad.trainer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The files that records come in: JSON Lines, CSV, and either in gzip. */
class DataFileTest {

  @TempDir private Path folder;

  private List<String> read(String name, byte[] bytes) throws IOException {
    Path file = Files.write(folder.resolve("cached-under-another-name"), bytes);
    return DataFile.read(file, name, record -> record.line() + " " + record.object());
  }

  private List<String> read(String name, String text) throws IOException {
    return read(name, text.getBytes(StandardCharsets.UTF_8));
  }

  private static byte[] gzip(byte[] bytes) throws IOException {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (OutputStream gzip = new GZIPOutputStream(packed)) {
      gzip.write(bytes);
    }
    return packed.toByteArray();
  }

  private static byte[] gzip(String text) throws IOException {
    return gzip(text.getBytes(StandardCharsets.UTF_8));
  }

  private AbstractThrowableAssert<?, ?> assertRefused(String name, byte[] bytes) {
    return assertThatThrownBy(() -> read(name, bytes))
        .isInstanceOf(TrainerException.class)
        .hasMessageNotContaining("secret")
        .satisfies(e -> assertThat(((TrainerException) e).reason()).isEqualTo(ExitReason.BAD_DATA));
  }

  @Test
  void csvHasAHeaderQuotesAndLinesWithinFields() throws IOException {
    String csv =
        "\uFEFFinstruction,input,output\r\n"
            + "\"Say \"\"hi\"\", please\",,\"hi\r\nyou\"\r\n"
            + "\r\n"
            + "Größe?,\" spaces \",7\r\n";

    assertThat(read("pvc://data/train.CSV", csv))
        .containsExactly(
            "2 {\"instruction\":\"Say \\\"hi\\\", please\",\"input\":\"\","
                + "\"output\":\"hi\\r\\nyou\"}",
            "5 {\"instruction\":\"Größe?\",\"input\":\" spaces \",\"output\":\"7\"}");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      value = {
        "\"open|secret ~ d.csv:2: expected CSV, found a record with broken quoting",
        "\"closed\"secret,x ~ d.csv:2: expected CSV, found a record with broken quoting",
        "x,\"y|z\"|1,\"a|b\"secret|2,3 ~ d.csv:4: expected CSV, found a record with broken quoting",
        "secret ~ d.csv:2: expected 2 fields, as the header has, found 1",
        "x,y|secret,2,3 ~ d.csv:3: expected 2 fields, as the header has, found 3",
      })
  void aBrokenCsvRecordIsNamedByItsFirstLineAndNeverQuoted(String records, String message) {
    byte[] csv = ("prompt,completion\n" + records.replace('|', '\n')).getBytes();

    assertRefused("d.csv", csv).hasMessageStartingWith(message);
  }

  @Test
  void aCsvHeaderWithoutRecordsIsEmpty() {
    assertRefused("d.csv", "prompt,completion\n".getBytes())
        .hasMessage("d.csv: expected at least one example, found none");
    assertRefused("d.csv", new byte[0])
        .hasMessage("d.csv: expected at least one example, found none");
  }

  @ParameterizedTest
  @ValueSource(strings = {"prompt;completion\n1;2\n", "prompt\tcompletion\n1\t2\n"})
  void columnsAreSeparatedByCommas(String text) {
    assertRefused("d.csv", text.getBytes())
        .hasMessage(
            "d.csv:1: expected commas between the columns, found a header of one column with"
                + " semicolons or tabs");
  }

  @Test
  void aCsvHeaderNamesNothingTwice() {
    assertRefused("d.csv", "secret,secret\n1,2\n".getBytes())
        .hasMessage("d.csv:1: expected a header of different names, found one twice");
  }

  @Test
  void csvIsUtf8() {
    assertRefused("d.csv", new byte[] {'a', '\n', 'b', '\n', (byte) 0xff, '\n'})
        .hasMessageContaining("expected UTF-8, found other bytes");
  }

  @Test
  void aCsvRecordIsBounded() {
    byte[] field = new byte[CsvFile.MAX_FIELD_CHARACTERS + 2];
    Arrays.fill(field, (byte) 'x');
    System.arraycopy("a\n\"".getBytes(), 0, field, 0, 3);

    assertRefused("d.csv", field).hasMessageContaining("longer than 16777216 characters");
    assertRefused("d.csv", ("a\n" + ",".repeat(CsvFile.MAX_FIELDS)).getBytes())
        .hasMessageStartingWith("d.csv:2: expected a record of at most 1000 fields");
  }

  @Test
  void gzipIsToldByItsFirstBytes() throws IOException {
    String line = "{\"text\":\"a\"}\n";
    ByteArrayOutputStream members = new ByteArrayOutputStream();
    members.write(gzip(line));
    members.write(gzip(line));

    assertThat(read("d.jsonl.gz", gzip(line))).containsExactly("1 {\"text\":\"a\"}");
    assertThat(read("d", members.toByteArray())).hasSize(2);
    assertThat(read("d.csv.gz", gzip("text\na\n"))).containsExactly("2 {\"text\":\"a\"}");
  }

  @Test
  void theFilesNameEndsBeforeAQueryOrADigest() throws IOException {
    String csv = "text\na\n";

    assertThat(read("https://host/d.csv?download=true", csv)).hasSize(1);
    assertThat(read("https://host/d.csv.gz#sha256=0", gzip(csv))).hasSize(1);
  }

  @Test
  void brokenGzipIsAnError() throws IOException {
    byte[] whole = gzip("{\"text\": \"secret\"}\n".repeat(500));
    byte[] altered = whole.clone();
    altered[whole.length - 6] ^= 1;

    assertRefused("d.jsonl.gz", "{\"text\": \"secret\"}\n".getBytes())
        .hasMessage("d.jsonl.gz: expected gzip, as its name says; found other bytes");
    for (byte[] broken : List.of(Arrays.copyOf(whole, whole.length / 2), altered)) {
      assertRefused("d.jsonl.gz", broken)
          .hasMessage("d.jsonl.gz: expected gzip, found gzip that is broken or ends too early");
    }
  }

  @Test
  void aGzipBombIsRefusedAfterABoundedAmountOfWork() throws IOException {
    byte[] blank = "\n".repeat(1 << 20).getBytes();
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (OutputStream gzip = new GZIPOutputStream(packed)) {
      for (long bytes = 0; bytes <= GzipContent.FREE_BYTES; bytes += blank.length) {
        gzip.write(blank);
      }
    }

    assertThat(packed.size() * (long) GzipContent.MAX_RATIO).isLessThan(GzipContent.FREE_BYTES);
    for (String name : List.of("d.jsonl.gz", "d.csv.gz")) {
      assertRefused(name, packed.toByteArray())
          .hasMessage(
              name
                  + ": expected gzip of text, found a file that unpacks to more than 100 times its"
                  + " size");
    }
  }
}
