package io.safegrad.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.api.Approval;
import io.safegrad.api.ApprovalRequest;
import io.safegrad.api.ExitReason;
import io.safegrad.api.TrainingPlan;
import io.safegrad.api.TrainingResult;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.telemetry.ApprovalDesk;
import io.safegrad.trainer.telemetry.RunObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run whose plan's gate holds publishes only with the operator's leave, where it has one. */
class OperatorApprovalTest {

  private static final String PLAN = "sha256:plan";
  private static final RunObserver NOBODY = new RunObserver() {};

  private final Preemption preemption = new Preemption();
  private final ApprovalDesk desk = new ApprovalDesk();

  @TempDir private Path folder;

  @Test
  void whereThereIsNobodyToAskThePlanDecides() {
    assertThat(new OperatorApproval(desk, null, preemption).ask(PLAN, null, NOBODY).approved())
        .isTrue();
  }

  @Test
  void withoutAnAnswerNothingIsPublishedAndTheRunIsTriedAgain() {
    assertThatThrownBy(
            () ->
                new OperatorApproval(desk, Duration.ofMillis(1), preemption)
                    .ask(PLAN, null, NOBODY))
        .isInstanceOfSatisfying(
            TrainerException.class, e -> assertThat(e.reason()).isEqualTo(ExitReason.INTERNAL))
        .hasMessageContaining("nobody answered within")
        .hasMessageEndingWith("nothing was published");
  }

  @Test
  void aRunThatIsAskedToStopWaitsNoLonger() {
    preemption.ask();
    assertThatThrownBy(
            () ->
                new OperatorApproval(desk, Duration.ofHours(1), preemption).ask(PLAN, null, NOBODY))
        .isInstanceOfSatisfying(
            TrainerException.class, e -> assertThat(e.reason()).isEqualTo(ExitReason.PREEMPTED));
  }

  @Test
  void theAnswerIsThatOfTheDesk() {
    Approval no = Approval.of(PLAN, List.of("no"));
    RunObserver operator =
        new RunObserver() {
          @Override
          public void approvalAsked(ApprovalRequest request) {
            assertThat(desk.answer(Approval.of("sha256:other", List.of()))).isFalse();
            assertThat(desk.answer(no)).isTrue();
          }
        };
    assertThat(
            new OperatorApproval(desk, Duration.ofHours(1), preemption).ask(PLAN, null, operator))
        .isEqualTo(no);
  }

  @Test
  void aWholeRunThatMayPublishDoes() throws Exception {
    ToyRun run = new ToyRun(folder);
    assertThat(run(run, digest -> Approval.of(digest, List.of()))).isZero();
    assertThat(run.published()).contains("team/out/adapter_model.safetensors");
  }

  @Test
  void aWholeRunThatMayNotPublishesItsReportAlone() throws Exception {
    ToyRun run = new ToyRun(folder).with("quarantine", "pvc://quarantine/team/toy");
    run.volume("quarantine");

    assertThat(run(run, digest -> Approval.of(digest, List.of("limits changed"))))
        .isEqualTo(ExitReason.GATE_REFUSED.code());

    assertThat(run.published()).containsExactlyElementsOf(ToyRun.REFUSED);
    TrainingResult result = run.result();
    assertThat(result.message())
        .isEqualTo(
            "the platform's policy refused the adapter, which is kept for the platform's auditor:"
                + " limits changed");
    assertThat(result.gateFailures()).containsExactly("limits changed");
    assertThat(run.report().at("/verdict/reason").asText()).isEqualTo("GATE_REFUSED");
    assertThat(
            run.volume("quarantine")
                .resolve("team/toy")
                .resolve(result.planDigest().replace("sha256:", ""))
                .resolve("adapter_model.safetensors"))
        .exists();
  }

  /** Runs the plan, and plays the operator: reads the question and answers it. */
  private static int run(ToyRun run, Function<String, Approval> answer) throws Exception {
    int port = freePort();
    run.withVariable("SAFEGRAD_PORT", Integer.toString(port))
        .withVariable("SAFEGRAD_APPROVAL_SECONDS", "120");
    CompletableFuture<ToyRun.Ending> ending =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return run.runPlan();
              } catch (IOException e) {
                throw new IllegalStateException(e);
              }
            });
    String digest = null;
    while (!ending.isDone()) {
      JsonNode progress = progress(port);
      if (progress != null && progress.path("approval").isObject()) {
        assertThat(progress.at("/approval/result/refusal/count").asInt()).isEqualTo(2);
        assertThat(run.destination()).as("before the answer").doesNotExist();
        digest = TrainingPlan.fromYaml(Files.readAllBytes(run.plan())).digest();
        HttpClient.newHttpClient()
            .send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/approval"))
                    .POST(
                        HttpRequest.BodyPublishers.ofByteArray(
                            new ObjectMapper().writeValueAsBytes(answer.apply(digest))))
                    .build(),
                HttpResponse.BodyHandlers.discarding());
        break;
      }
    }
    assertThat(digest).as("it asked").isNotNull();
    return ending.get().code();
  }

  /** Null while nobody listens. */
  private static JsonNode progress(int port) throws InterruptedException {
    try {
      return new ObjectMapper()
          .readTree(
              HttpClient.newHttpClient()
                  .send(
                      HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/progress"))
                          .build(),
                      HttpResponse.BodyHandlers.ofByteArray())
                  .body());
    } catch (IOException e) {
      Thread.onSpinWait();
      return null;
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }
}
