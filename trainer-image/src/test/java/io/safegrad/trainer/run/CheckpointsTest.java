package io.safegrad.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.safegrad.api.ExitReason;
import io.safegrad.api.TrainingResult;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which checkpoints are kept, and from which the next attempt goes on. */
class CheckpointsTest {

  @TempDir private Path folder;
  private InterruptedRun attempts;
  private ToyRun run;

  @BeforeEach
  void prepare() throws IOException {
    attempts = new InterruptedRun(folder);
    run = attempts.toy();
  }

  @AfterEach
  void closeLog() {
    attempts.close();
  }

  @Test
  void askedToStopDuringAnEvaluationItKeepsTheStepBefore() throws IOException {
    run.with("evaluationFields", "\n      everySteps: 5");
    attempts.training("Lora", 100);
    int[] replies = {0};

    assertThatThrownBy(
            () ->
                attempts.attempt(
                    step -> {},
                    count ->
                        attempts.interrupt(
                            attempts.progress().step() == 5 && replies[0]++ == 0, false)))
        .hasMessageContaining("asked to stop during an evaluation, after")
        .hasMessageEndingWith("the next attempt resumes after step 5");

    assertThat(attempts.checkpoints()).containsExactly("checkpoint-5");
  }

  @Test
  void askedToStopItKeepsTheStepItEnded() throws IOException {
    attempts.training("Lora", 1000);

    assertThatThrownBy(() -> attempts.attempt(step -> attempts.interrupt(step == 7, false)))
        .isInstanceOfSatisfying(
            TrainerException.class, e -> assertThat(e.reason()).isEqualTo(ExitReason.PREEMPTED))
        .hasMessage(
            "asked to stop after step 7 of 20; nothing was published, and the next attempt resumes"
                + " after step 7");

    assertThat(attempts.checkpoints()).containsExactly("checkpoint-7");
    attempts.attempt();
    assertThat(run.report().at("/training/resumedAfter").toString()).isEqualTo("[7]");
  }

  @Test
  void theNewestOnesAreKeptAndUnfinishedOnesAreNot() throws IOException {
    attempts.kill(9);
    assertThat(attempts.checkpoints()).containsExactly("checkpoint-6", "checkpoint-8");
    Files.createDirectory(run.checkpoints().resolve("checkpoint-10.partial"));
    attempts.kill(13);
    assertThat(attempts.checkpoints()).containsExactly("checkpoint-10", "checkpoint-12");
  }

  @ParameterizedTest
  @ValueSource(strings = {"exp_avg.safetensors", "checkpoint.json", "SHA256SUMS"})
  void aDamagedCheckpointIsSkippedWithOneLine(String file) throws IOException {
    String digest = attempts.attempt().artifactDigest();
    attempts.kill(9);
    Random random = new Random(file.hashCode());
    flipByte(run.checkpoints().resolve("checkpoint-8").resolve(file), random);
    attempts.kill(7);
    assertThat(attempts.logged("is not used")).hasSize(1);
    assertThat(attempts.logged("resumed after step 6")).hasSize(1);
    truncate(run.checkpoints().resolve("checkpoint-6").resolve(file), random);

    TrainingResult result = attempts.attempt();

    assertThat(attempts.logged("checkpoint-6 is not used: it is damaged")).hasSize(1);
    assertThat(attempts.logged("resumed after")).hasSize(1);
    assertThat(result.artifactDigest()).isEqualTo(digest);
  }

  @Test
  void aCheckpointOfOtherDataIsNotUsed() throws IOException {
    attempts.kill(5);
    run.data("train.jsonl", ToyRun.CHAT.formatted("other"));

    attempts.attempt();

    assertThat(attempts.logged("is not used: the content of dataset.source was sha256:"))
        .hasSize(2);
    assertThat(attempts.logged("resumed after")).isEmpty();
  }

  @Test
  void aCheckpointOfAnotherPlanIsNotUsed() throws IOException {
    attempts.kill(5);
    Path others = run.checkpoints();
    attempts.training("Lora", 3);

    attempts.attempt();
    assertThat(attempts.logged("of another plan"))
        .hasSize(1)
        .first()
        .asString()
        .contains("" + others);
    assertThat(attempts.logged("resumed after")).isEmpty();

    // Nor when it is put where this plan's would be.
    Files.move(others, run.checkpoints());
    attempts.attempt();
    assertThat(attempts.logged("is not used: the plan was sha256:")).hasSize(2);
    assertThat(attempts.logged("resumed after")).isEmpty();
  }

  @Test
  void aLinkInPlaceOfTheFolderIsNotFollowed() throws IOException {
    attempts.kill(5);
    Path outside = Files.move(run.checkpoints(), folder.resolve("outside"));
    Files.createSymbolicLink(run.checkpoints(), outside);

    attempts.attempt();

    assertThat(attempts.logged("resumed after")).isEmpty();
    assertThat(attempts.logged("the checkpoint of step 2 cannot be written")).hasSize(1);
    assertThat(outside).isDirectoryContaining("glob:**/checkpoint-4");
  }

  @Test
  void noneIsKeptWhenNoneIsWanted() throws IOException {
    attempts.training("Lora", 0);

    assertThatThrownBy(() -> attempts.attempt(step -> attempts.interrupt(step == 5, false)))
        .hasMessageEndingWith("the next attempt starts from the beginning");
    assertThat(run.checkpoints()).doesNotExist();
  }

  private static void flipByte(Path file, Random random) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      long at = (long) (random.nextDouble() * channel.size());
      ByteBuffer one = ByteBuffer.allocate(1);
      channel.read(one, at);
      channel.write(ByteBuffer.wrap(new byte[] {(byte) (one.get(0) ^ 1 << random.nextInt(8))}), at);
    }
  }

  private static void truncate(Path file, Random random) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate((long) (random.nextDouble() * channel.size()));
    }
  }
}
