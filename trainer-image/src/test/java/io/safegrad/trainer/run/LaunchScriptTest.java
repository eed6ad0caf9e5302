package io.safegrad.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.api.ExitReason;
import io.safegrad.api.TrainingProgress;
import io.safegrad.api.TrainingResult;
import io.safegrad.api.TrainingStage;
import io.safegrad.trainer.source.Sha256;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The real process, through the script that starts it in a pod and on a laptop. */
@Timeout(120)
class LaunchScriptTest {

  private static final Pattern LISTENING = Pattern.compile("listening on (http://\\S+)");

  private static final Pattern FIRST_STEP = Pattern.compile("step 1/");

  @TempDir private Path folder;
  private final List<Process> started = new ArrayList<>();

  @AfterEach
  void leaveNoProcess() {
    started.forEach(Process::destroyForcibly);
  }

  @Test
  void aManifestRunsAndTheSameProcessTwiceGivesTheSameAdapter() throws Exception {
    ToyRun run = new ToyRun(folder);
    String manifest = run.manifest().toString();

    Process process = start(run, "run", "--manifest", manifest);
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

    assertThat(process.waitFor()).isZero();
    assertThat(out).contains("the gate held", "tuned model", run.destination().toString());
    String digest = Sha256.ofFile(run.destination().resolve("adapter_model.safetensors"));
    assertThat(start(run, "run", "--manifest", manifest).waitFor()).isZero();
    assertThat(run.result().artifactDigest()).isEqualTo(digest);
  }

  @Test
  void theQuickstartsManifestRunsOnTheBuiltInModel() throws Exception {
    ToyRun run = new ToyRun(folder);
    Path quickstart = Path.of("../deploy/examples/quickstart.yaml");
    Path shorter = folder.resolve("quickstart.yaml");
    Files.writeString(
        shorter, Files.readString(quickstart).replaceAll("maxSteps: \\d+", "maxSteps: 2"));

    assertThat(start(run, "run", "--manifest", shorter.toString()).waitFor()).isZero();

    TrainingResult result = run.result();
    assertThat(result.steps()).isEqualTo(2);
    assertThat(result.baseline().refusal().rate()).isGreaterThan(0.95);
    assertThat(result.result().refusal().rate()).isGreaterThan(0.95);
    assertThat(run.published()).contains("quickstart-safegrad/adapter_model.safetensors");
  }

  @Test
  void aProcessThatIsAskedToStopExitsWithItsOwnCodeAndTheNextOneGoesOn() throws Exception {
    ToyRun run =
        new ToyRun(folder)
            .with(
                "training",
                "{maxSteps: 1000000, batchSize: 2, maxLength: 64, lora: {rank: 2, alpha: 4}}");
    run.plan();
    Process process =
        run.process(ToyRun.SCRIPT.toString(), "run")
            .redirectError(ProcessBuilder.Redirect.PIPE)
            .start();
    started.add(process);
    BufferedReader log = process.errorReader(StandardCharsets.UTF_8);
    URI endpoint = URI.create(awaitLine(log, LISTENING).group(1));
    awaitLine(log, FIRST_STEP);

    TrainingProgress progress =
        new ObjectMapper().readValue(get(endpoint, "/progress"), TrainingProgress.class);
    assertThat(progress.stage()).isEqualTo(TrainingStage.TRAINING);
    assertThat(progress.step()).isPositive();
    assertThat(progress.totalSteps()).isEqualTo(1_000_000);
    assertThat(progress.etaSeconds()).isPositive();
    assertThat(progress.refusalRate()).isZero();
    assertThat(get(endpoint, "/metrics"))
        .contains("safegrad_steps_total ", "safegrad_stage{stage=\"training\"} 1.0");
    assertThat(get(endpoint, "/healthz")).isEqualTo("ok\n");
    long asked = System.nanoTime();
    process.destroy();

    assertThat(process.waitFor()).isEqualTo(ExitReason.PREEMPTED.code());
    assertThat(System.nanoTime() - asked).isLessThan(TimeUnit.SECONDS.toNanos(20));
    TrainingResult result = run.result();
    assertThat(result.reason()).isEqualTo(ExitReason.PREEMPTED);
    assertThat(result.message()).startsWith("asked to stop after step ");
    assertThat(result.steps()).isPositive();
    assertThat(result.baseline()).isNotNull();
    assertThat(run.destination()).doesNotExist();

    Process next =
        run.process(ToyRun.SCRIPT.toString(), "run")
            .redirectError(ProcessBuilder.Redirect.PIPE)
            .start();
    started.add(next);
    BufferedReader nextLog = next.errorReader(StandardCharsets.UTF_8);
    Matcher resumed = awaitLine(nextLog, Pattern.compile("resumed after step (\\d+) from"));
    assertThat(resumed.group(1)).isEqualTo("" + result.steps());
    next.destroy();
    assertThat(next.waitFor()).isEqualTo(ExitReason.PREEMPTED.code());
    assertThat(run.result().message()).contains("the next attempt resumes after step ");
    assertThat(run.result().steps()).isGreaterThanOrEqualTo(result.steps());
  }

  /** A hub that never answers stands for a step without end. */
  @Test
  void aStepThatOutlastsTheGracePeriodIsNotWaitedFor() throws Exception {
    try (ServerSocket hub = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      ToyRun run =
          new ToyRun(folder)
              .with("model", "hf://org/toy")
              .withVariable("HF_ENDPOINT", "http://127.0.0.1:" + hub.getLocalPort())
              .withVariable("SAFEGRAD_GRACE_SECONDS", "4");
      run.plan();
      Process process = start(run, "run");

      try (Socket request = hub.accept()) {
        long asked = System.nanoTime();
        process.destroy();

        assertThat(process.waitFor()).isEqualTo(ExitReason.PREEMPTED.code());
        assertThat(Duration.ofNanos(System.nanoTime() - asked))
            .isBetween(Duration.ofSeconds(2), Duration.ofSeconds(20));
      }
      assertThat(run.result().message())
          .isEqualTo(
              "asked to stop and could not wait for the step to end; nothing was published, and the"
                  + " next attempt starts from the beginning");
      assertThat(run.published()).isEmpty();
    }
  }

  @Test
  void aStartModelThatIsNotAlignedExitsWithItsOwnCode() throws Exception {
    ToyRun run = new ToyRun(folder).with("gate", "{minRefusalRate: 1}");
    run.plan();

    assertThat(start(run, "run").waitFor()).isEqualTo(ExitReason.START_MODEL_NOT_ALIGNED.code());
    assertThat(run.published()).containsExactlyElementsOf(ToyRun.REFUSED);
  }

  @Test
  void aDiskWithoutRoomEndsWithItsOwnCodeAndNothingUnderTheOutput() throws Exception {
    ToyRun run =
        new ToyRun(folder)
            .with("training", "{maxSteps: 1, batchSize: 2, maxLength: 64, lora: {rank: 32}}");
    run.plan();
    // The libraries that are unpacked once, at the first run on a machine, need room of their own.
    assertThat(start(run, "run").waitFor()).isZero();
    run.with("destination", "pvc://adapters/team/second").plan();
    // No file may grow above 8 KiB, so that a write fails halfway, as on a disk without room.
    ProcessBuilder builder =
        run.process("bash", "-c", "ulimit -f 8; exec \"$0\" run", ToyRun.SCRIPT.toString());
    builder.environment().put("JAVA_OPTS", "-XX:-UsePerfData");
    Process process = builder.redirectError(ProcessBuilder.Redirect.PIPE).start();
    started.add(process);

    String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);

    assertThat(process.waitFor()).as(err).isEqualTo(ExitReason.INTERNAL.code());
    assertThat(err).contains("adapter_model.safetensors", "could not be written", "too large");
    assertThat(run.result().reason()).isEqualTo(ExitReason.INTERNAL);
    assertThat(run.published()).noneMatch(name -> name.contains("second"));
  }

  @Test
  void helpShowsAnExampleAndEachExitCode() throws Exception {
    Process process = start(new ToyRun(folder), "run", "--help");
    String help = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

    assertThat(process.waitFor()).isZero();
    assertThat(help).contains("safegrad-trainer run --manifest");
    for (ExitReason reason : ExitReason.values()) {
      assertThat(help).containsPattern("(?m)^ +" + reason.code() + " ");
    }
  }

  @Test
  void aWrongCommandLineIsABadPlan() throws Exception {
    Process process = start(new ToyRun(folder), "run", "--mannifest", "x");

    assertThat(process.waitFor()).isEqualTo(ExitReason.BAD_PLAN.code());
  }

  private Process start(ToyRun run, String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of(ToyRun.SCRIPT.toString()));
    command.addAll(List.of(arguments));
    Process process = run.process(command.toArray(String[]::new)).start();
    started.add(process);
    return process;
  }

  /** Reads the process's log up to a line that has the pattern; waits for it as long as needed. */
  private static Matcher awaitLine(BufferedReader log, Pattern pattern) throws IOException {
    StringBuilder read = new StringBuilder();
    for (String line = log.readLine(); line != null; line = log.readLine()) {
      Matcher matcher = pattern.matcher(line);
      if (matcher.find()) {
        return matcher;
      }
      read.append(line).append('\n');
    }
    throw new AssertionError("the process ended before it logged " + pattern + ":\n" + read);
  }

  private static String get(URI endpoint, String path) throws IOException, InterruptedException {
    return HttpClient.newHttpClient()
        .send(
            HttpRequest.newBuilder(endpoint.resolve(path)).build(),
            HttpResponse.BodyHandlers.ofString())
        .body();
  }
}
