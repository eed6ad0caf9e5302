package io.safegrad.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The packaged trainer, with the class path that its script finds in {@code target}: what only
 * tests depend on is not there.
 */
@Timeout(120)
class PackagedTrainerIT {

  @TempDir private Path folder;

  @Test
  void aManifestRunsAndWhatItPublishesIsUsed() throws Exception {
    ToyRun run = new ToyRun(folder).with("outputFields", ", formats: [Adapter, Merged]");

    start(run, "run", "--manifest", run.manifest().toString());

    assertThat(run.published())
        .contains("team/out/adapter_model.safetensors", "team/out/report.html");
    String model = run.volume("models").resolve("toy").toString();
    String adapter = run.destination().toString();
    start(run, "generate", "--model", model, "--adapter", adapter, "say yes");
    start(run, "inspect", run.destination().resolve("merged").toString());
  }

  @Test
  void aParquetFileIsReadWithTheLibrariesThatAreShipped() throws Exception {
    ToyRun run =
        new ToyRun(folder)
            .with("dataset", "pvc://data/train.parquet")
            .with(
                "training",
                "{maxSteps: 1, batchSize: 2, maxLength: 512, lora: {rank: 2, alpha: 4}}");
    Files.copy(
        Path.of("src/test/resources/files/parquet/chat-zstd-page-v2.parquet"),
        run.volume("data").resolve("train.parquet"));

    start(run, "run", "--manifest", run.manifest().toString());
  }

  private static void start(ToyRun run, String... arguments) throws Exception {
    String[] command = new String[arguments.length + 1];
    command[0] = ToyRun.SCRIPT.toString();
    System.arraycopy(arguments, 0, command, 1, arguments.length);
    ProcessBuilder builder = run.process(command).redirectErrorStream(true);
    builder.environment().remove("SAFEGRAD_CLASSPATH");
    Process process = builder.redirectOutput(ProcessBuilder.Redirect.PIPE).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(out).isZero();
  }
}
