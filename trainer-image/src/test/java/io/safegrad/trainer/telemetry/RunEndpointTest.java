package io.safegrad.trainer.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.safegrad.api.Approval;
import io.safegrad.api.ApprovalRequest;
import io.safegrad.api.GateCheck;
import io.safegrad.api.Measurement;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.StepEvaluation;
import io.safegrad.api.TrainingProgress;
import io.safegrad.api.TrainingStage;
import io.safegrad.api.v1alpha1.Gate;
import io.safegrad.api.v1alpha1.Method;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.judge.ChatCompletions;
import io.safegrad.trainer.safety.Attribution;
import io.safegrad.trainer.train.MethodFigures;
import io.safegrad.trainer.train.MethodFigures.Action;
import io.safegrad.trainer.train.StepMetrics;
import io.safegrad.trainer.train.ValidationLoss;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RunEndpointTest {

  /** The Prometheus text format: name, labels, value. */
  private static final Pattern SAMPLE =
      Pattern.compile(
          "([a-zA-Z_:][a-zA-Z0-9_:]*)(\\{[a-zA-Z_]\\w*=\"[^\"]*\"(?:,[a-zA-Z_]\\w*=\"[^\"]*\")*\\})?"
              + " (\\S+)");

  private final HttpClient client = HttpClient.newHttpClient();
  private final PrometheusRegistry registry = new PrometheusRegistry();
  private final ProgressTracker progress = new ProgressTracker(System::nanoTime);
  private final ApprovalDesk desk = new ApprovalDesk();
  private RunObserver observer;
  private RunEndpoint endpoint;

  @BeforeEach
  void listen() {
    observer = RunObserver.all(List.of(progress, new TrainerMetrics(registry, progress)));
    endpoint = new RunEndpoint("127.0.0.1", 0, progress, registry, desk);
  }

  private static final MethodFigures PLAIN = MethodFigures.of(Method.Name.SafeGrad, Action.NONE);
  private static final MethodFigures PROJECTED =
      MethodFigures.of(Method.Name.SafeGrad, Action.PROJECTED);

  @AfterEach
  void close() {
    endpoint.close();
  }

  @Test
  void metricsAreThoseOfTheListAndCarryTheRunsNumbers() throws Exception {
    observer.stageStarted(TrainingStage.TRAINING);
    observer.stepsPlanned(10);
    observer.stepDone(
        new StepMetrics(
            1, 10, 2.5, 0.01, -3.0, -0.25, true, 4.0, 0.5, 13.0, 4.5, 1e-4, 200, 0.3, null,
            PROJECTED));
    observer.stepDone(
        new StepMetrics(
            2, 10, 2.0, 0.02, 3.0, 0.25, false, 3.0, 0.6, 1.0, 3.5, 2e-4, 100, 0.2, 1.5, PLAIN));
    observer.validated(EvaluatedModel.TUNED, new ValidationLoss(1.25, 3, 40));
    observer.attributed(new Attribution(1, 9, 2.5, 0.5, List.of(3, 4), List.of(), 8));
    observer.evaluated(
        new StepEvaluation(
            2,
            0.5,
            new SafetyMeasurements(
                Measurement.of(8, 10),
                Measurement.of(3, 10),
                null,
                null,
                null,
                Measurement.of(4, 10),
                null,
                null,
                0.125,
                0.0625,
                null)));
    observer.judgeAsked(ChatCompletions.Outcome.ANSWERED);
    observer.judgeAsked(ChatCompletions.Outcome.RETRIED);
    observer.judgeAsked(ChatCompletions.Outcome.ANSWERED);
    observer.measured(
        EvaluatedModel.TUNED,
        new SafetyMeasurements(
            Measurement.of(9, 10),
            Measurement.of(1, 10),
            Measurement.of(5, 10),
            null,
            null,
            Measurement.of(2, 10),
            null,
            null,
            0.25,
            0.5,
            null));

    SafetyMeasurements own =
        new SafetyMeasurements(
            Measurement.of(10, 10),
            Measurement.of(0, 10),
            null,
            Measurement.of(3, 4),
            Measurement.of(1, 4));
    observer.measured(EvaluatedModel.START, own);
    observer.gateAsked(
        GateCheck.rules(new Gate(0.9, 0.02, 0.1, null, 0.5), own, own.withRefusalKl(0.25)));

    Map<String, Double> samples = scrape();

    assertThat(samples)
        .containsEntry("safegrad_additional_refusal_ratio{model=\"start\"}", 0.75)
        .containsEntry("safegrad_additional_over_refusal_ratio{model=\"start\"}", 0.25)
        .containsEntry(
            "safegrad_evaluation_interval_ratio{end=\"low\",figure=\"refusal\",model=\"tuned\"}",
            Measurement.of(9, 10).low())
        .containsEntry("safegrad_evaluation_prompts{figure=\"refusal\",model=\"tuned\"}", 10.0)
        .containsEntry("safegrad_evaluation_seconds", 0.5)
        .containsEntry("safegrad_gate_held{rule=\"maxRefusalDrop\"}", 1.0)
        .containsEntry("safegrad_gate_held{rule=\"additional minRefusalRate\"}", 0.0)
        .containsEntry("safegrad_gate_threshold_nats{rule=\"maxRefusalKl\"}", 0.5)
        .containsEntry("safegrad_gate_threshold_ratio{rule=\"maxRefusalDrop\"}", 0.02)
        .containsEntry("safegrad_loss_nats{objective=\"user\"}", 2.0)
        .containsEntry("safegrad_loss_nats{objective=\"alignment\"}", 0.02)
        .containsEntry("safegrad_conflict_ratio", 0.5)
        .containsEntry("safegrad_gradient_cosine", 0.25)
        .containsEntry("safegrad_gradient_norm{gradient=\"user\"}", 3.0)
        .containsEntry("safegrad_gradient_norm{gradient=\"alignment\"}", 0.6)
        .containsEntry("safegrad_gradient_norm{gradient=\"combined\"}", 3.5)
        .containsEntry("safegrad_projection_weight", 1.0)
        .containsEntry("safegrad_interventions_total{method=\"SafeGrad\"}", 1.0)
        .containsEntry("safegrad_learning_rate", 2e-4)
        .containsEntry("safegrad_steps_total", 2.0)
        .containsEntry("safegrad_steps_planned", 10.0)
        .containsEntry("safegrad_num_tokens_total", 300.0)
        .containsEntry("safegrad_step_duration_seconds_count", 2.0)
        .containsEntry("safegrad_step_duration_seconds_sum", 0.5)
        .containsEntry("safegrad_refusal_ratio{model=\"tuned\"}", 0.9)
        .containsEntry("safegrad_over_refusal_ratio{model=\"tuned\"}", 0.1)
        .containsEntry("safegrad_task_accuracy_ratio{model=\"tuned\"}", 0.5)
        .containsEntry("safegrad_validation_loss_nats{model=\"tuned\"}", 1.25)
        .containsEntry("safegrad_validation_loss_nats{model=\"training\"}", 1.5)
        .containsEntry("safegrad_incoherent_ratio{model=\"tuned\"}", 0.2)
        .containsEntry("safegrad_safety_kl_nats{model=\"tuned\"}", 0.25)
        .containsEntry("safegrad_refusal_kl_nats{model=\"tuned\"}", 0.5)
        .containsEntry("safegrad_refusal_ratio{model=\"training\"}", 0.8)
        .containsEntry("safegrad_over_refusal_ratio{model=\"training\"}", 0.3)
        .containsEntry("safegrad_incoherent_ratio{model=\"training\"}", 0.4)
        .containsEntry("safegrad_safety_kl_nats{model=\"training\"}", 0.125)
        .containsEntry("safegrad_refusal_kl_nats{model=\"training\"}", 0.0625)
        .containsEntry("safegrad_conflicting_examples", 2.0)
        .containsEntry("safegrad_attribution_seconds", 2.5)
        .containsEntry("safegrad_judge_requests_total{outcome=\"answered\"}", 2.0)
        .containsEntry("safegrad_judge_requests_total{outcome=\"retried\"}", 1.0)
        .containsEntry("safegrad_stage{stage=\"training\"}", 1.0)
        .containsEntry("safegrad_stage{stage=\"preparing\"}", 0.0);
    assertThat(namesOf(samples)).isEqualTo(listedNames());
  }

  @Test
  void aValueThatIsNotKnownIsNotExposed() throws Exception {
    observer.stepDone(
        new StepMetrics(
            1, 10, 2.5, null, null, null, null, 4.0, null, null, 4.5, 1e-4, 200, 0.3, null, PLAIN));

    assertThat(scrape().keySet())
        .contains("safegrad_loss_nats{objective=\"user\"}")
        .noneMatch(name -> name.contains("alignment") || name.contains("conflict"))
        .noneMatch(name -> name.contains("cosine") || name.contains("refusal"));
  }

  @Test
  void progressIsTheContractsJsonAndNeverNaN() throws Exception {
    observer.stageStarted(TrainingStage.TRAINING);
    observer.stepDone(
        new StepMetrics(
            1, 10, Double.NaN, 0.1, 1.0, 0.5, false, 1.0, 1.0, 1.0, 1, 1e-4, 20, 0.1, null, PLAIN));

    HttpResponse<String> response = get("/progress");

    assertThat(response.headers().firstValue("Content-Type")).contains("application/json");
    assertThat(response.body()).contains("\"loss\":null").doesNotContain("NaN");
    TrainingProgress read = new ObjectMapper().readValue(response.body(), TrainingProgress.class);
    assertThat(read.stage()).isEqualTo(TrainingStage.TRAINING);
    assertThat(read.cosine()).isEqualTo(0.5);
    assertThat(read.totalSteps()).isEqualTo(10);
  }

  @Test
  void anAnswerIsTakenFromWhoeverAsksAndFromNobodyElse() throws Exception {
    String yes = "{\"planDigest\": \"sha256:plan\", \"approved\": true}";
    assertThat(post(yes)).as("nobody asks").isEqualTo(409);
    CompletableFuture<Approval> answer = desk.open("sha256:plan");
    SafetyMeasurements measured =
        new SafetyMeasurements(Measurement.of(9, 10), Measurement.of(1, 10), null);
    observer.approvalAsked(new ApprovalRequest(measured, measured));
    assertThat(
            new ObjectMapper()
                .readValue(get("/progress").body(), TrainingProgress.class)
                .approval()
                .result())
        .isEqualTo(measured);

    assertThat(post("")).isEqualTo(400);
    assertThat(post("null")).isEqualTo(409);
    assertThat(post("{\"planDigest\": \"sha256:plan\", \"approved\": false}"))
        .as("a refusal without a reason")
        .isEqualTo(400);
    assertThat(post("{\"planDigest\": \"sha256:plan\"}")).as("neither").isEqualTo(400);
    assertThat(post(yes.replace("plan\",", "other\","))).as("another plan").isEqualTo(409);
    assertThat(post(" ".repeat(70_000))).isEqualTo(413);
    assertThat(answer).isNotDone();

    assertThat(post(yes)).isEqualTo(204);
    assertThat(answer).isCompletedWithValue(Approval.of("sha256:plan", List.of()));
    assertThat(post(yes)).as("it has its answer").isEqualTo(409);
    observer.approvalAnswered(answer.get());
    assertThat(get("/progress").body()).contains("\"approval\":null");
  }

  private int post(String body) throws Exception {
    return client
        .send(
            HttpRequest.newBuilder(uri("/approval"))
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build(),
            HttpResponse.BodyHandlers.discarding())
        .statusCode();
  }

  @Test
  void livenessAndWrongQuestions() throws Exception {
    assertThat(get("/healthz").body()).isEqualTo("ok\n");
    assertThat(get("/healthz/x").statusCode()).isEqualTo(404);
    assertThat(get("/").statusCode()).isEqualTo(404);
    HttpRequest post =
        HttpRequest.newBuilder(uri("/progress")).POST(HttpRequest.BodyPublishers.noBody()).build();
    assertThat(client.send(post, HttpResponse.BodyHandlers.ofString()).statusCode()).isEqualTo(405);
  }

  @Test
  void aTakenPortIsNamed() {
    assertThatThrownBy(
            () ->
                new RunEndpoint(
                    "127.0.0.1", endpoint.port(), progress, new PrometheusRegistry(), desk))
        .isInstanceOf(TrainerException.class)
        .hasMessage("cannot listen on 127.0.0.1 port %d: Address already in use", endpoint.port());
  }

  private Map<String, Double> scrape() throws IOException, InterruptedException {
    Map<String, Double> samples = new TreeMap<>();
    for (String line : get("/metrics").body().lines().toList()) {
      if (!line.startsWith("#")) {
        Matcher sample = SAMPLE.matcher(line);
        assertThat(sample.matches()).as(line).isTrue();
        String labels = sample.group(2) == null ? "" : sample.group(2);
        samples.put(
            sample.group(1) + labels, Double.valueOf(sample.group(3).replace("+Inf", "Infinity")));
      }
    }
    return samples;
  }

  private static Set<String> namesOf(Map<String, Double> samples) {
    Set<String> names = new TreeSet<>();
    for (String sample : samples.keySet()) {
      names.add(sample.replaceAll("\\{.*|_(bucket|sum|count)(\\{.*)?$", ""));
    }
    return names;
  }

  private static Set<String> listedNames() {
    Set<String> names = new TreeSet<>();
    for (MetricName name : MetricName.values()) {
      names.add(name.text());
    }
    return names;
  }

  private HttpResponse<String> get(String path) throws IOException, InterruptedException {
    return client.send(
        HttpRequest.newBuilder(uri(path)).build(), HttpResponse.BodyHandlers.ofString());
  }

  private URI uri(String path) {
    return URI.create("http://127.0.0.1:" + endpoint.port() + path);
  }
}
