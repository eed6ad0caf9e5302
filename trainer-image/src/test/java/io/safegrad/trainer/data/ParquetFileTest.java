package io.safegrad.trainer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.api.ExitReason;
import io.safegrad.api.v1alpha1.Dataset.Format;
import io.safegrad.api.v1alpha1.Dataset.TrainOn;
import io.safegrad.trainer.GoldenFiles;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroup;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.LocalOutputFile;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Parquet as pyarrow writes it (make_parquet_golden.py), as old writers did, and broken. */
class ParquetFileTest {

  @TempDir private Path folder;

  private static Path golden(String name) {
    return GoldenFiles.path("parquet/" + name + ".parquet");
  }

  private static List<ObjectNode> rows(Path file) {
    return DataFile.read(file, "d.parquet", DataRecord::object);
  }

  private static void assertRefused(Path file, String message) {
    assertThatThrownBy(() -> rows(file))
        .isInstanceOf(TrainerException.class)
        .hasMessage(message)
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(ExitReason.BAD_DATA);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "chat-snappy-row-groups",
        "chat-zstd-page-v2",
        "chat-gzip-item",
        "chat-large",
        "text-lz4-checksums",
        "text-delta",
        "text-lengths",
        "text-dictionary",
        "pairs-small-pages",
        "instructions",
        "tools",
        "text-numbers",
      })
  void rowsAreThoseThatPyarrowReads(String name) {
    List<String> expected = new ArrayList<>();
    for (JsonNode row : GoldenFiles.json("parquet/" + name + ".rows.json")) {
      expected.add(((ObjectNode) row.deepCopy()).retain(ParquetFile.COLUMNS).toString());
    }

    assertThat(rows(golden(name))).extracting(ObjectNode::toString).isEqualTo(expected);
    assertThat(DataFile.read(golden(name), "d", DataRecord::line))
        .startsWith(1)
        .endsWith(expected.size());
  }

  @ParameterizedTest
  @CsvSource({
    "chat-zstd-page-v2, Chat, 60",
    "tools, Chat, 1",
    "instructions, Instruction, 3",
    "text-delta, Text, 60",
    "pairs-small-pages, PromptCompletion, 7"
  })
  void examplesAreThoseOfTheSameRowsInJsonLines(String name, Format format, int rows)
      throws IOException {
    ChatTemplate template =
        ChatTemplate.of(
            Files.readString(GoldenFiles.path("templates/qwen2_5.jinja")), "qwen2.5", Map.of());
    Path parquet = golden(name);
    StringBuilder lines = new StringBuilder();
    JsonNode all = GoldenFiles.json("parquet/" + name + ".rows.json");
    for (int i = 0; i < rows; i++) {
      lines.append(all.get(i)).append('\n');
    }
    Path json = Files.writeString(folder.resolve("d.jsonl"), lines);
    try (Tokenizer tokenizer = TokenizerTest.toy()) {
      TrainingExamples.Rules rules = new TrainingExamples.Rules(format, TrainOn.LastTurn, 4096);
      List<TokenizedExample> expected =
          TrainingExamples.read(json, "j", tokenizer, template, rules).examples();
      if (rows < all.size()) {
        assertThatThrownBy(() -> TrainingExamples.read(parquet, "p", tokenizer, template, rules))
            .hasMessageStartingWith("p:" + (rows + 1) + ": field ");
      } else {
        List<TokenizedExample> read =
            TrainingExamples.read(parquet, "p", tokenizer, template, rules).examples();
        assertThat(read).usingRecursiveComparison().isEqualTo(expected);
      }
    }
  }

  @Test
  void listsOfOldWriters() throws IOException {
    String message = "{required binary role (UTF8); required binary content (UTF8);}";
    for (String messages :
        List.of(
            "required group messages (LIST) {repeated group array " + message + "}",
            "required group messages (LIST) {repeated group messages_tuple " + message + "}",
            "required group messages (LIST) {repeated group bag {optional group e "
                + message
                + "}}",
            "repeated group messages " + message)) {
      MessageType schema = MessageTypeParser.parseMessageType("message m {" + messages + "}");
      Path file = Files.createTempDirectory(folder, "old").resolve("d.parquet");
      Group row = new SimpleGroup(schema);
      boolean isList = messages.contains("(LIST)");
      Group list = isList ? row.addGroup("messages") : row;
      for (String role : List.of("user", "assistant")) {
        Group element = list.addGroup(0);
        Group turn = messages.contains("bag") ? element.addGroup("e") : element;
        turn.append("role", role).append("content", "hi");
      }
      write(file, schema, row);

      assertThat(rows(file))
          .as(messages)
          .extracting(ObjectNode::toString)
          .containsExactly(
              "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},"
                  + "{\"role\":\"assistant\",\"content\":\"hi\"}]}");
    }
  }

  private static void write(Path file, MessageType schema, Group row) throws IOException {
    try (ParquetWriter<Group> writer =
        ExampleParquetWriter.builder(new LocalOutputFile(file))
            .withConf(new PlainParquetConfiguration())
            .withType(schema)
            .withCompressionCodec(CompressionCodecName.UNCOMPRESSED)
            .build()) {
      writer.write(row);
    }
  }

  @Test
  void whatCannotBeReadIsNamed() throws IOException {
    assertRefused(golden("empty"), "d.parquet: expected at least one example, found none");
    assertRefused(
        golden("other-columns"),
        "d.parquet: expected one of the columns messages, tools, instruction, input, output,"
            + " prompt, completion, text, found none of these");
    assertRefused(
        golden("text-brotli"),
        "d.parquet: expected columns packed by Snappy, gzip, Zstandard, LZ4_RAW or not at all,"
            + " found BROTLI");
    assertRefused(
        golden("text-fixed"),
        "d.parquet: column text: expected texts, numbers, booleans, lists or structs of these,"
            + " found FIXED_LEN_BYTE_ARRAY");
    assertRefused(
        golden("text-not-utf8"), "d.parquet:2: column text: expected UTF-8, found other bytes");
    assertRefused(
        Files.writeString(folder.resolve("no"), "{\"text\": \"ab\"}"),
        "d.parquet: expected Parquet, as its name says; found other bytes");
  }

  @Test
  void aBrokenFileIsOneError() throws IOException {
    byte[] whole = Files.readAllBytes(golden("chat-zstd-page-v2"));
    byte[] altered = whole.clone();
    Arrays.fill(altered, 200, 260, (byte) 0x7f);
    for (byte[] broken :
        List.of(
            "PAR1secretPAR1".getBytes(),
            "PAR1".getBytes(),
            Arrays.copyOf(whole, whole.length - 1),
            Arrays.copyOf(whole, 100),
            altered)) {
      assertRefused(
          Files.write(folder.resolve("broken"), broken),
          "d.parquet: expected Parquet, found a file that is broken, encrypted, or of a kind that"
              + " is not read");
    }
  }

  @Test
  void aRepeatedTextWithoutEndIsRefused() throws IOException {
    MessageType schema =
        MessageTypeParser.parseMessageType("message m {required binary text (UTF8);}");
    Path file = folder.resolve("d.parquet");
    Group row = new SimpleGroup(schema).append("text", "x".repeat(1000));
    try (ParquetWriter<Group> writer =
        ExampleParquetWriter.builder(new LocalOutputFile(file))
            .withConf(new PlainParquetConfiguration())
            .withType(schema)
            .withCompressionCodec(CompressionCodecName.UNCOMPRESSED)
            .build()) {
      for (long characters = 0; characters <= ParquetFile.FREE_CHARACTERS; characters += 1000) {
        writer.write(row);
      }
    }

    assertRefused(
        file,
        "d.parquet: expected Parquet of text, found a file that unpacks to more than 100 times its"
            + " size");
  }
}
