package io.safegrad.operator.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpServer;
import io.javaoperatorsdk.operator.processing.event.Event;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.safegrad.api.Approval;
import io.safegrad.api.ApprovalRequest;
import io.safegrad.api.AttributionCounts;
import io.safegrad.api.StepEvaluation;
import io.safegrad.api.TrainingProgress;
import io.safegrad.api.TrainingStage;
import io.safegrad.operator.Examples;
import io.safegrad.operator.OperatorConfig;
import io.safegrad.operator.observe.RunObservation.PodStage;
import io.safegrad.operator.observe.RunObservation.PodState;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProgressPollerTest {

  private static final ResourceID RUN = new ResourceID("support-bot", "team-a");
  private static final ResourceID OTHER = new ResourceID("other", "team-a");

  private final MeterRegistry registry = new SimpleMeterRegistry();
  private final List<Event> events = new CopyOnWriteArrayList<>();
  private final ProgressPoller poller = new ProgressPoller(config(), registry);

  @BeforeEach
  void start() {
    poller.setEventHandler(events::add);
    poller.start();
  }

  @AfterEach
  void stop() {
    poller.stop();
  }

  @Test
  void figuresAloneWaitForTheirIntervalAndAStageDoesNot() throws IOException {
    AtomicInteger questions = new AtomicInteger();
    AtomicReference<String> stage = new AtomicReference<>("TRAINING");
    HttpServer trainer =
        serve(
            "127.1.2.1",
            () ->
                "{\"stage\": \"%s\", \"step\": %d, \"totalSteps\": 900000}"
                    .formatted(stage.get(), questions.incrementAndGet()));
    try {
      PodState pod = running("127.1.2.1");
      poller.follow(RUN, pod);
      await().until(() -> events.size() == 1);
      int told = poller.follow(RUN, pod).step();
      await().until(() -> questions.get() > told + 3);
      assertThat(events).hasSize(1);
      assertThat(poller.follow(RUN, pod).step())
          .as("whoever calls the reconciler writes no newer figures")
          .isEqualTo(told);
      stage.set("FINAL_EVALUATION");
      await().until(() -> events.size() == 2);
      assertThat(poller.follow(RUN, pod).step()).isGreaterThan(told + 3);
    } finally {
      trainer.stop(0);
    }
  }

  @Test
  void whatMemoryATrainerNeedsIsToldAtOnce() throws IOException {
    AtomicReference<String> answer = new AtomicReference<>("{\"stage\": \"PREPARING\"}");
    HttpServer trainer = serve("127.1.2.6", answer::get);
    try {
      PodState pod = running("127.1.2.6");
      poller.follow(RUN, pod);
      await().until(() -> poller.follow(RUN, pod) != null);
      answer.set("{\"stage\": \"PREPARING\", \"memoryEstimateBytes\": 2000000000}");
      await().until(() -> poller.follow(RUN, pod).memoryEstimateBytes() != null);
      assertThat(poller.follow(RUN, pod).memoryEstimateBytes()).isEqualTo(2_000_000_000);
    } finally {
      trainer.stop(0);
    }
  }

  @Test
  void aTrainerThatAsksToPublishIsHeardUntilItHasItsAnswer() throws IOException {
    String asking =
        "{\"stage\": \"FINAL_EVALUATION\", \"approval\": {\"baseline\": %1$s, \"result\": %1$s}}"
            .formatted(
                "{\"refusal\": {\"rate\": 1, \"low\": 0.5, \"high\": 1, \"count\": 4},"
                    + " \"overRefusal\": {\"rate\": 0, \"low\": 0, \"high\": 0.5, \"count\": 4}}");
    AtomicReference<String> answer = new AtomicReference<>(asking);
    AtomicReference<String> heard = new AtomicReference<>();
    HttpServer trainer = serve("127.1.2.7", answer::get);
    trainer.createContext(
        "/approval",
        exchange -> {
          heard.set(
              exchange.getRequestMethod()
                  + " "
                  + new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
          answer.set("{\"stage\": \"PUBLISHING\"}");
          exchange.sendResponseHeaders(204, -1);
          exchange.close();
        });
    try {
      PodState pod = running("127.1.2.7");
      poller.follow(RUN, pod);
      await().until(() -> events.size() > 2);
      assertThat(poller.follow(RUN, pod).approval().result().refusal().rate()).isEqualTo(1);
      poller.answer(RUN, Approval.of("sha256:plan", List.of("no")));
      await().until(() -> poller.follow(RUN, pod).approval() == null);
      assertThat(heard.get())
          .isEqualTo(
              "POST {\"planDigest\":\"sha256:plan\",\"approved\":false,\"failures\":[\"no\"]}");
    } finally {
      trainer.stop(0);
    }
  }

  @Test
  void aQuestionOfImpossibleNumbersIsNone() {
    assertThat(approval(1, "\"overRefusal\"")).isNotNull();
    assertThat(approval(1.5, "\"overRefusal\"")).isNull();
    assertThat(approval(1, "\"taskAccuracy\"")).as("no over-refusal").isNull();
    String counts = "\"dataRefusal\": {\"prompts\": 9, \"startRefused\": %s, \"refused\": 3}";
    assertThat(approval(1, counts.formatted(4) + ", \"overRefusal\"")).isNotNull();
    assertThat(approval(1, counts.formatted(2) + ", \"overRefusal\"")).isNull();
    String template =
        "\"templateRefusal\": {\"templates\": 2, \"prompts\": 9, \"startRefused\": 9, \"refused\": %s, \"stockReplies\": 0}";
    assertThat(approval(1, template.formatted(9) + ", \"overRefusal\"")).isNotNull();
    assertThat(approval(1, template.formatted(10) + ", \"overRefusal\"")).isNull();
    String divergence = "\"refusalKl\": %s, \"overRefusal\"";
    assertThat(approval(1, divergence.formatted("0.1"))).isNotNull();
    for (String impossible : List.of("-1", "\"NaN\"", "1e999")) {
      assertThat(approval(1, divergence.formatted(impossible))).isNull();
    }
  }

  private static ApprovalRequest approval(double rate, String other) {
    String measured =
        ("{\"refusal\": {\"rate\": %1$s, \"low\": 0, \"high\": 1, \"count\": 4}, %2$s: {\"rate\": %1$s,"
                + " \"low\": 0, \"high\": 1, \"count\": 4}}")
            .formatted(rate, other);
    String json =
        "{\"stage\": \"FINAL_EVALUATION\", \"approval\": {\"baseline\": %1$s, \"result\": %1$s}}"
            .formatted(measured);
    return ProgressMessage.parse(json.getBytes(StandardCharsets.UTF_8)).orElseThrow().approval();
  }

  @Test
  void aTrainerThatNeverAnswersHoldsNobodyUp() throws IOException {
    try (ServerSocket silent = new ServerSocket(9400, 50, InetAddress.getByName("127.1.2.2"))) {
      HttpServer trainer = serve("127.1.2.3", () -> "{\"stage\": \"PREPARING\"}");
      try {
        assertThat(silent.isBound()).isTrue();
        poller.follow(OTHER, running("127.1.2.2"));
        poller.follow(RUN, running("127.1.2.3"));
        await().until(() -> poller.follow(RUN, running("127.1.2.3")) != null);
        assertThat(poller.follow(OTHER, running("127.1.2.2"))).isNull();
      } finally {
        trainer.stop(0);
      }
    }
  }

  @Test
  void anEndlessAnswerIsCutOff() throws IOException {
    AtomicInteger asked = new AtomicInteger();
    HttpServer trainer =
        serve(
            "127.1.2.4",
            () ->
                asked.incrementAndGet() == 1
                    ? "{\"stage\": \"TRAINING\", \"pad\": \"" + "x".repeat(20_000) + "\"}"
                    : "{\"stage\": \"PREPARING\"}");
    try {
      poller.follow(RUN, running("127.1.2.4"));
      await().until(() -> poller.follow(RUN, running("127.1.2.4")) != null);
      assertThat(poller.follow(RUN, running("127.1.2.4")).stage())
          .isEqualTo(TrainingStage.PREPARING);
    } finally {
      trainer.stop(0);
    }
  }

  @Test
  void aPodThatEndedOrAResourceThatIsGoneIsForgotten() throws IOException {
    HttpServer trainer = serve("127.1.2.5", () -> "{\"stage\": \"TRAINING\"}");
    try {
      PodState pod = running("127.1.2.5");
      poller.follow(RUN, pod);
      await().until(() -> poller.follow(RUN, pod) != null);
      poller.onResourceDeleted(Examples.resource());
      assertThat(poller.getSecondaryResources(Examples.resource())).isEmpty();
      await().until(() -> poller.follow(RUN, pod) != null);
      assertThat(poller.follow(RUN, pod("127.1.2.5", PodStage.ENDED))).isNull();
      assertThat(poller.getSecondaryResources(Examples.resource())).isEmpty();
    } finally {
      trainer.stop(0);
    }
  }

  @Test
  void questionsWithoutProgressAreCountedByReason() throws IOException {
    HttpServer trainer = serve("127.1.2.7", () -> "no progress");
    try {
      poller.follow(RUN, running("127.1.2.7"));
      poller.follow(OTHER, running("127.1.2.8"));
      await().until(() -> errors("no_progress") > 1 && errors("unreachable") > 1);
    } finally {
      trainer.stop(0);
    }
  }

  private double errors(String reason) {
    return registry.get("safegrad.poll.errors").tag("reason", reason).counter().count();
  }

  @Test
  void whatIsNoNumberIsLeftOut() {
    TrainingProgress progress =
        ProgressMessage.parse(
                ("{\"stage\": \"TRAINING\", \"loss\": \"NaN\", \"conflictRatio\": 3, \"cosine\": -0.5,"
                        + " \"memoryEstimateBytes\": -1}")
                    .getBytes(StandardCharsets.UTF_8))
            .orElseThrow();
    assertThat(progress.loss()).isNull();
    assertThat(progress.conflictRatio()).isNull();
    assertThat(progress.cosine()).isEqualTo(-0.5);
    assertThat(progress.memoryEstimateBytes()).isNull();
    assertThat(
            ProgressMessage.parse(
                "{\"stage\": \"STAGE_OF_TOMORROW\"}".getBytes(StandardCharsets.UTF_8)))
        .isEmpty();
    assertThat(ProgressMessage.parse("null".getBytes(StandardCharsets.UTF_8))).isEmpty();
  }

  @Test
  void anEvaluationOfImpossibleNumbersIsLeftOut() {
    assertThat(evaluation(1, 0.5)).isNotNull();
    assertThat(evaluation(0, 0.5)).isNull();
    assertThat(evaluation(1, 1.5)).isNull();
  }

  private static StepEvaluation evaluation(int step, double rate) {
    String found =
        "{\"stage\": \"TRAINING\", \"evaluation\": {\"step\": %d, \"seconds\": 1, \"measurements\":"
            + " {\"refusal\": {\"rate\": %s, \"low\": 0, \"high\": 1, \"count\": 4}}}}";
    return ProgressMessage.parse(found.formatted(step, rate).getBytes(StandardCharsets.UTF_8))
        .orElseThrow()
        .evaluation();
  }

  @ParameterizedTest
  @CsvSource({"9,10,4", "9,-1,4", "9,2,10", "0,0,0", "-9,0,0"})
  void countsThatCannotBeAreLeftOut(int examples, int conflicting, int worst) {
    assertThat(counts(9, 2, 4)).isEqualTo(new AttributionCounts(9, 2, 4));
    assertThat(counts(examples, conflicting, worst)).isNull();
  }

  private static AttributionCounts counts(int examples, int conflicting, int worst) {
    String json =
        "{\"stage\": \"TRAINING\", \"attribution\": {\"examples\": %d, \"conflicting\": %d, \"worst\": %d, \"text\": \"x\"}}"
            .formatted(examples, conflicting, worst);
    return ProgressMessage.parse(json.getBytes(StandardCharsets.UTF_8)).orElseThrow().attribution();
  }

  private static PodState running(String address) {
    return pod(address, PodStage.RUNNING);
  }

  private static PodState pod(String address, PodStage stage) {
    return new PodState(
        "pod", "uid-" + address, address, stage, null, null, null, null, null, false);
  }

  private static HttpServer serve(String address, Supplier<String> answer) throws IOException {
    HttpServer server = HttpServer.create(new InetSocketAddress(address, 9400), 0);
    server.createContext(
        "/progress",
        exchange -> {
          byte[] body = answer.get().getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
    return server;
  }

  private static OperatorConfig config() {
    return new OperatorConfig() {
      @Override
      public Trainer trainer() {
        return Examples.TRAINER;
      }

      @Override
      public LeaderElection leaderElection() {
        throw new UnsupportedOperationException("nobody elects here");
      }

      @Override
      public Progress progress() {
        return new Progress() {
          @Override
          public Duration pollInterval() {
            return Duration.ofMillis(100);
          }

          @Override
          public Duration statusInterval() {
            return Duration.ofHours(1);
          }
        };
      }
    };
  }
}
