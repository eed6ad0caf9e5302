package io.safegrad.trainer.streaming;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroup;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.LocalOutputFile;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;

/** Writes data sets of any size: the same records in every kind of file. */
final class GeneratedData {

  private static final String[] WORDS =
      ("the of and to in is that it was for on are with as be this have from or one had by word but"
              + " not what all were we when your can said there use an each which she do how their"
              + " if will up other about out many then them these so some her would make like him"
              + " into time has look two more write go see number no way could people my than first"
              + " water been call who oil its now find long down day did get come made may part")
          .split(" ");

  private static final int QUESTION_CHARACTERS = 150;
  private static final int ANSWER_CHARACTERS = 900;

  /** Of a field that is not trained on, as many data sets have them. */
  private static final int DOCUMENT_CHARACTERS = 3000;

  private static final int TEXT_CHARACTERS = 1 << 20;

  private static final long ROW_GROUP_BYTES = 8 << 20;
  private static final MessageType SCHEMA =
      MessageTypeParser.parseMessageType(
          "message row {required binary document (UTF8); required group messages (LIST) {"
              + "repeated group list {required group element {"
              + "required binary role (UTF8); required binary content (UTF8);}}}}");

  private GeneratedData() {}

  /** A kind of file. */
  enum Form {
    JSON_LINES("jsonl"),
    JSON_LINES_GZIP("jsonl.gz"),
    CSV("csv"),
    PARQUET("parquet");

    final String ending;

    Form(String ending) {
      this.ending = ending;
    }
  }

  /**
   * Writes records of about four kilobytes until they have a size, not packed. A chat, or prompt
   * and completion, is a quarter of each.
   *
   * @return how many records there are
   */
  static int write(Path file, Form form, long bytes) throws IOException {
    if (form == Form.PARQUET) {
      return writeParquet(file, bytes);
    }
    OutputStream stream = Files.newOutputStream(file);
    try (Writer writer =
        new BufferedWriter(
            new OutputStreamWriter(
                form == Form.JSON_LINES_GZIP ? new GZIPOutputStream(stream) : stream,
                StandardCharsets.UTF_8),
            1 << 16)) {
      if (form == Form.CSV) {
        writer.write("document,prompt,completion\n");
      }
      Random random = new Random(1);
      String text = text(random);
      int records = 0;
      for (long written = 0; written < bytes; records++) {
        String record =
            record(
                form,
                part(text, random, DOCUMENT_CHARACTERS),
                part(text, random, QUESTION_CHARACTERS),
                part(text, random, ANSWER_CHARACTERS));
        writer.write(record);
        written += record.length();
      }
      return records;
    }
  }

  /** The words that the records are made of. */
  static Stream<String> words() {
    return Stream.of(WORDS);
  }

  private static String record(Form form, String document, String question, String answer) {
    return form == Form.CSV
        ? document + "," + question + "," + answer + "\n"
        : "{\"document\": \""
            + document
            + "\", \"messages\": [{\"role\": \"user\", \"content\": \""
            + question
            + "\"}, {\"role\": \"assistant\", \"content\": \""
            + answer
            + "\"}]}\n";
  }

  private static int writeParquet(Path file, long bytes) throws IOException {
    try (ParquetWriter<Group> writer =
        ExampleParquetWriter.builder(new LocalOutputFile(file))
            .withConf(new PlainParquetConfiguration())
            .withType(SCHEMA)
            .withRowGroupSize(ROW_GROUP_BYTES)
            .withCompressionCodec(CompressionCodecName.UNCOMPRESSED)
            .build()) {
      Random random = new Random(1);
      String text = text(random);
      int rows = 0;
      for (long written = 0; written < bytes; rows++) {
        String document = part(text, random, DOCUMENT_CHARACTERS);
        String question = part(text, random, QUESTION_CHARACTERS);
        String answer = part(text, random, ANSWER_CHARACTERS);
        Group row = new SimpleGroup(SCHEMA).append("document", document);
        Group list = row.addGroup("messages");
        addTurn(list, "user", question);
        addTurn(list, "assistant", answer);
        writer.write(row);
        written += document.length() + question.length() + answer.length();
      }
      return rows;
    }
  }

  private static void addTurn(Group list, String role, String content) {
    list.addGroup(0).addGroup(0).append("role", role).append("content", content);
  }

  private static String text(Random random) {
    StringBuilder text = new StringBuilder();
    while (text.length() < TEXT_CHARACTERS) {
      text.append(WORDS[random.nextInt(WORDS.length)]).append(' ');
    }
    return text.toString();
  }

  private static String part(String text, Random random, int characters) {
    int start = random.nextInt(text.length() - characters);
    return text.substring(start, start + characters).strip();
  }
}
