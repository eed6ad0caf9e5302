package io.safegrad.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.safegrad.api.TrainingResult;
import io.safegrad.trainer.tensor.Compute;
import io.safegrad.trainer.tensor.ComputeDevice;
import io.safegrad.trainer.tensor.ComputeType;
import io.safegrad.trainer.weights.StorageType;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Whole runs on a device whose memory Java does not see, as a GPU's: from the model's file to the
 * report, over a checkpoint. Here it is the processor, so that all must come out the same.
 */
class UnseenDeviceRunTest {

  private static final Compute UNSEEN =
      new Compute(new ComputeDevice("cpu", false), ComputeType.FLOAT32);

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

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Lora | name: SafeGrad | BFLOAT16",
        "Lora | name: SafeGrad, alignmentHistorySize: 3, projectionScope: PerLayer | FLOAT16",
        "Full | name: SafeGrad | BFLOAT16",
        "Lora | name: Lisa, lisa: {alignmentSteps: 2, userSteps: 3} | BFLOAT16",
        "Lora | name: Spag, spag: {threshold: 0.1} | FLOAT32",
        "Lora | name: SafeLora, safeLora: {baseModel: {source: 'pvc://models/base'}} | BFLOAT16"
      })
  void aRunThatIsKilledOnceIsTheSame(String mode, String method, StorageType stored)
      throws IOException {
    // What it is rounded from is another model, as Safe LoRA needs.
    ToyModel.write(run.volume("models").resolve("base"));
    ToyModel.store(run.volume("models").resolve("toy"), stored);
    run.with("method", "{%s, alignmentBatchSize: 2}".formatted(method));
    run.with("datasetFields", ", validationFraction: 0.3");
    attempts.training(mode, 2, ", evalSteps: 4, loadBestModelAtEnd: true");
    TrainingResult expected = attempts.attempt();
    JsonNode figures = attempts.figures();
    JsonNode attribution = run.report().at("/attribution/worst");

    attempts.on(UNSEEN);
    attempts.kill(7);
    TrainingResult found = attempts.attempt();

    assertThat(run.report().at("/training/resumedAfter")).isNotEmpty();
    assertThat(found.artifactDigest()).isNotNull().isEqualTo(expected.artifactDigest());
    assertThat(found.result()).isEqualTo(expected.result());
    assertThat(attempts.figures()).isEqualTo(figures);
    assertThat(run.report().at("/attribution/worst")).isEqualTo(attribution);
  }

  @Test
  void whatTheDataAskIsAskedThere() throws IOException {
    new ScreeningRunTest.PoisonedRun(run).screened();
    run.with(
        "gate",
        "{minRefusalRate: 0, maxRefusalDrop: 1, maxOverRefusal: 1, maxRefusalKl: 1000, maxDataRefusalDrop: 1,"
            + " maxTemplateRefusalDrop: 1}\n"
            + "    screening: LeaveOut");
    TrainingResult expected = attempts.attempt();
    JsonNode screened = run.report().at("/screened/lines");

    attempts.on(UNSEEN);
    TrainingResult found = attempts.attempt();

    assertThat(screened).isNotEmpty();
    assertThat(run.report().at("/screened/lines")).isEqualTo(screened);
    assertThat(found.result().dataRefusal().startRefused()).isPositive();
    assertThat(found.result().templateRefusal().templates()).isPositive();
    assertThat(found.result()).isEqualTo(expected.result());
    assertThat(found.artifactDigest()).isEqualTo(expected.artifactDigest());
  }
}
