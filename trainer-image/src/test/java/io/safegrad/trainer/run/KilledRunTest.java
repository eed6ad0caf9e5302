package io.safegrad.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The real process, killed (SIGKILL) at random moments: while it starts, trains, writes a
 * checkpoint, evaluates, publishes, and the first time as soon as there is a checkpoint. {@code
 * -Dsafegrad.kills=N} kills as often, {@code -Dsafegrad.kills.seed=N} at other moments.
 */
@Timeout(value = 15, unit = TimeUnit.MINUTES)
class KilledRunTest {

  private static final int KILLS = Integer.getInteger("safegrad.kills", 30);
  private static final long SEED = Long.getLong("safegrad.kills.seed", 43);

  private static final int MILLIS_TO_END = 300_000;

  @TempDir private Path folder;
  private Process process;

  @AfterEach
  void leaveNoProcess() {
    process.destroyForcibly();
  }

  @Test
  void killedAtRandomMomentsItGivesTheSameAdapter() throws Exception {
    ToyRun run =
        new ToyRun(folder)
            .with(
                "training",
                "{maxSteps: 120, batchSize: 2, maxLength: 64, learningRate: 0.01, saveSteps: 2,"
                    + " lora: {rank: 2, alpha: 4}}");
    run.plan();
    long begin = System.nanoTime();
    start(run);
    assertThat(process.waitFor()).isZero();
    int millis = (int) TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin);
    String digest = run.result().artifactDigest();
    List<JsonNode> steps = steps(run);
    FileTree.delete(run.destination());

    start(run);
    awaitCheckpoint(run);
    process.destroyForcibly().waitFor();
    start(run);
    assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
    assertThat(run.report().at("/training/resumedAfter")).isNotEmpty();
    requireEnding(run, digest, steps);

    Random random = new Random(SEED);
    int kills = 1;
    while (kills <= KILLS) {
      start(run);
      boolean last = kills == KILLS;
      if (process.waitFor(last ? MILLIS_TO_END : random.nextInt(millis), TimeUnit.MILLISECONDS)) {
        requireEnding(run, digest, steps);
        kills += last ? 1 : 0;
      } else {
        process.destroyForcibly().waitFor();
        kills++;
      }
    }
  }

  /** The same run as the one that was not killed; makes way for the next. */
  private void requireEnding(ToyRun run, String digest, List<JsonNode> steps) throws IOException {
    assertThat(process.exitValue()).isZero();
    // First, so that a failure names the step where the runs part.
    assertThat(steps(run)).isEqualTo(steps);
    assertThat(run.result().artifactDigest()).isEqualTo(digest);
    assertThat(run.result().steps()).isEqualTo(120);
    assertThat(run.published())
        .containsExactly(
            "team",
            "team/out",
            "team/out/README.md",
            "team/out/adapter_config.json",
            "team/out/adapter_model.safetensors",
            "team/out/provenance.dsse.json",
            "team/out/report.html",
            "team/out/report.json");
    FileTree.delete(run.destination());
  }

  /** What each step computed: all but how long it took. */
  private static List<JsonNode> steps(ToyRun run) throws IOException {
    List<JsonNode> steps = new ArrayList<>();
    for (JsonNode step : run.report().at("/training/series")) {
      steps.add(((ObjectNode) step.deepCopy()).without("seconds"));
    }
    assertThat(steps).hasSize(120);
    return steps;
  }

  private void start(ToyRun run) throws IOException {
    process =
        run.process(ToyRun.SCRIPT.toString(), "run")
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
  }

  /** Names alone are read: what they name may be gone by then. */
  private void awaitCheckpoint(ToyRun run) throws Exception {
    Path checkpoints = run.checkpoints();
    Pattern whole = Pattern.compile("checkpoint-\\d+");
    while (true) {
      String[] names = checkpoints.toFile().list();
      if (names != null && Arrays.stream(names).anyMatch(whole.asMatchPredicate())) {
        return;
      }
      assertThat(process.waitFor(1, TimeUnit.MILLISECONDS)).isFalse();
    }
  }
}
