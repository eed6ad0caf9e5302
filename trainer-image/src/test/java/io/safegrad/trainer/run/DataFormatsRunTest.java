package io.safegrad.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.trainer.GoldenFiles;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole runs on data of other formats than chats in JSON Lines. */
class DataFormatsRunTest {

  private static final String ALPACA =
      "instruction,input,output\n"
          + "say,yes,yes\n"
          + "say,no,no\n"
          + "say,perhaps,perhaps\n"
          + "speak,,\"a reply that, with its prompt, is longer than the limit\"\n";

  @TempDir private Path folder;
  private ToyRun run;

  @BeforeEach
  void writeAGoodRun() throws IOException {
    run = new ToyRun(folder);
  }

  @Test
  void anAlpacaCsvInGzipWithAShareHeldBack() throws IOException {
    Path file = run.volume("data").resolve("train.csv.gz");
    try (OutputStream gzip = new GZIPOutputStream(Files.newOutputStream(file))) {
      gzip.write(ALPACA.getBytes(StandardCharsets.UTF_8));
    }
    run.with("dataset", "pvc://data/train.csv.gz")
        .with("datasetFields", ", format: Instruction, validationFraction: 0.25");

    assertThat(run.run().err()).isEmpty();

    JsonNode report = run.report();
    JsonNode input = report.at("/inputs/1");
    assertThat(input.path("field").asText()).isEqualTo("dataset.source");
    assertThat(input.path("examples").asInt()).isEqualTo(4);
    assertThat(input.path("format").asText()).isEqualTo("Instruction");
    assertThat(input.path("truncated").asInt()).isEqualTo(1);
    assertThat(report.at("/validation/start/examples").asInt()).isEqualTo(1);
    double before = report.at("/validation/start/loss").asDouble();
    double after = report.at("/validation/tuned/loss").asDouble();
    assertThat(before).isPositive();
    assertThat(after).isPositive().isNotEqualTo(before);
  }

  @Test
  void everyTurnIsAnotherRunThanTheLast() throws IOException {
    String chat = ToyRun.CHAT.formatted("yes").strip();
    String turns = chat.substring(0, chat.indexOf(']'));
    run.data("train.jsonl", turns + ", " + turns.substring(turns.indexOf('[') + 1) + "]}\n");

    assertThat(run.run().err()).isEmpty();
    String lastTurn = run.report().at("/artifact/digest").asText();
    Path destination = run.destination();
    run.with("destination", "pvc://adapters/other").with("datasetFields", ", trainOn: AllTurns");
    assertThat(run.run().err()).isEmpty();

    assertThat(destination.resolve("report.json")).exists();
    JsonNode other =
        new ObjectMapper().readTree(run.volume("adapters").resolve("other/report.json").toFile());
    assertThat(other.at("/artifact/digest").asText()).isNotEqualTo(lastTurn);
    assertThat(other.at("/validation").isNull()).isTrue();
  }

  @Test
  void anExampleThatIsLongerThanTheModelsPositions() throws IOException {
    run.data("train.jsonl", ToyRun.CHAT.formatted("no".repeat(300)) + ToyRun.CHAT.formatted("no"))
        .with(
            "training", "{maxSteps: 1, batchSize: 1, maxLength: 2000, lora: {rank: 2, alpha: 4}}");

    try (LogLines log = new LogLines()) {
      assertThat(run.run().err()).isEmpty();

      assertThat(log.with("max_position_embeddings"))
          .singleElement()
          .asString()
          .startsWith("dataset.source: the longest example has ")
          .endsWith("expected training.maxLength of at most 512");
    }
  }

  @Test
  void aParquetFile() throws IOException {
    Files.copy(
        GoldenFiles.path("parquet/instructions.parquet"),
        run.volume("data").resolve("train.parquet"));
    run.with("dataset", "pvc://data/train.parquet");

    assertThat(run.run().err()).isEmpty();

    JsonNode input = run.report().at("/inputs/1");
    assertThat(input.path("format").asText()).isEqualTo("Instruction");
    assertThat(input.path("examples").asInt()).isEqualTo(3);
  }

  @Test
  void aLongExampleIsLeftOut() throws IOException {
    run.data("train.csv", ALPACA);
    run.with("dataset", "pvc://data/train.csv").with("datasetFields", ", truncation: Drop");

    assertThat(run.run().err()).isEmpty();

    JsonNode input = run.report().at("/inputs/1");
    assertThat(input.path("examples").asInt()).isEqualTo(3);
    assertThat(input.path("dropped").asInt()).isEqualTo(1);
    assertThat(input.path("truncated").asInt()).isZero();
  }

  @Test
  void aFormatThatTheDataDoesNotHave() throws IOException {
    run.with("datasetFields", ", format: Text");

    ToyRun.Ending ending = run.run();

    assertThat(ending.code()).isEqualTo(65);
    assertThat(ending.err())
        .contains(
            "pvc://data/train.jsonl:1: expected the field text of the declared format Text; found"
                + " no such field");
  }

  @Test
  void aFormatThatDoesNotExist() throws IOException {
    run.with("datasetFields", ", format: Parquet");

    ToyRun.Ending ending = run.run();

    assertThat(ending.code()).isEqualTo(64);
    assertThat(ending.err()).contains("spec.dataset.format");
  }
}
