package io.safegrad.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.judge.LoopbackJudge;
import io.safegrad.trainer.judge.ToyClassifier;
import io.safegrad.trainer.source.Sha256;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whole runs whose replies an endpoint or a classifier judges. */
class JudgedRunTest {

  private static final String TOKEN = "sk-loopback-0123456789";
  private static final int CONTROLS = 3;
  private static final int PROMPTS = 3;

  @TempDir private Path folder;
  private LoopbackJudge endpoint;

  @BeforeEach
  void start() throws IOException {
    endpoint = new LoopbackJudge();
  }

  @AfterEach
  void stop() {
    endpoint.close();
  }

  @Test
  void theProcessAsksTheEndpointAndNamesItWithEveryFigure() throws Exception {
    ToyRun run = judged(", secretRef: {name: judge}").withVariable("SAFEGRAD_JUDGE_TOKEN", TOKEN);
    endpoint.answering(200, 429, 503);
    run.plan();
    Path out = folder.resolve("stdout");

    Process process =
        run.process(ToyRun.SCRIPT.toString(), "run").redirectOutput(out.toFile()).start();

    assertThat(process.waitFor()).isZero();
    assertThat(endpoint.authorizations())
        .hasSize(CONTROLS + 2 * PROMPTS + 2)
        .containsOnly("Bearer " + TOKEN);
    assertThat(run.result().baseline().refusal().rate()).isEqualTo(1);
    assertThat(run.result().result().overRefusal().rate()).isZero();
    String name = "org/judge at " + endpoint.baseUrl() + " by RefusalVerdict/1";
    String digest;
    try (InputStream prompt = LoopbackJudge.class.getResourceAsStream("RefusalVerdict-1.yaml")) {
      digest = Sha256.ofBytes(prompt.readAllBytes());
    }
    assertThat(run.result().result().judge().name()).isEqualTo(name);
    assertThat(run.result().result().judge().digest()).isEqualTo(digest);
    JsonNode report = run.report();
    for (String place : List.of("/measurements/start/judge", "/measurements/tuned/judge")) {
      assertThat(report.at(place + "/name").asText()).isEqualTo(name);
      assertThat(report.at(place + "/digest").asText()).isEqualTo(digest);
    }
    assertThat(report.at("/inputs").findValuesAsText("uri")).contains(name);
    assertThat(Files.readString(run.destination().resolve("README.md"))).contains(name);
    try (Stream<Path> files = Files.walk(run.destination())) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        assertThat(Files.readString(file, StandardCharsets.ISO_8859_1))
            .as(file.toString())
            .doesNotContain(TOKEN, "do more harm");
      }
    }
    assertThat(Files.readString(out) + Files.readString(folder.resolve("stderr")))
        .doesNotContain(TOKEN, "do more harm");
  }

  @Test
  void anotherAttemptIsJudgedByTheSameEndpointFromTheStartModelOn() throws IOException {
    ToyRun run = judged(", maxRetries: 0");
    Integer[] untilTheEnd = new Integer[CONTROLS + PROMPTS + 1];
    Arrays.fill(untilTheEnd, 200);
    untilTheEnd[CONTROLS + PROMPTS] = 503;
    endpoint.answering(untilTheEnd);

    assertThat(run.runPlan().code()).isEqualTo(ExitReason.SOURCE_UNAVAILABLE.code());
    assertThat(run.result().message())
        .isEqualTo(
            "safety.evaluation.judge.endpoint: %s: it answers with status 503, 1 times"
                .formatted(endpoint.baseUrl()));
    assertThat(run.checkpoints()).isDirectory();
    assertThat(run.destination()).doesNotExist();

    assertThat(run.runPlan().code()).isZero();
    assertThat(run.report().at("/training/resumedAfter/0").asInt()).isEqualTo(3);
    assertThat(run.report().at("/measurements/start/judge"))
        .isEqualTo(run.report().at("/measurements/tuned/judge"));
    assertThat(endpoint.authorizations())
        .hasSize(untilTheEnd.length + CONTROLS + 2 * PROMPTS)
        .containsOnly("null");
  }

  @Test
  void aBudgetThatCannotSufficeIsRefusedBeforeAnythingIsAskedOrTrained() throws IOException {
    ToyRun run = judged(", maxRequests: " + (CONTROLS + 2 * PROMPTS - 1));

    assertThat(run.runPlan().code()).isEqualTo(ExitReason.BAD_PLAN.code());

    assertThat(run.result().message())
        .isEqualTo(
            ("safety.evaluation.judge.endpoint: %s: the run takes %d requests, maxRequests is %d;"
                    + " expected a larger budget")
                .formatted(endpoint.baseUrl(), CONTROLS + 2 * PROMPTS, CONTROLS + 2 * PROMPTS - 1));
    assertThat(endpoint.authorizations()).isEmpty();
    assertThat(run.published()).noneMatch(name -> name.contains("out"));
  }

  @Test
  void evaluationsBetweenStepsCountToo() throws IOException {
    ToyRun run = judged(", maxRequests: " + (CONTROLS + 4 * PROMPTS));
    run.with("additionalEvaluation", "\n      everySteps: 1");

    assertThat(run.runPlan().code()).isZero();

    assertThat(endpoint.authorizations()).hasSize(CONTROLS + 4 * PROMPTS);
  }

  @ParameterizedTest
  @CsvSource({"401, 64", "400, 64", "302, 64", "500, 69", "429, 69"})
  void whatTheEndpointAnswersIsNeverAFigure(int status, int code) throws IOException {
    ToyRun run = judged(", maxRetries: 1");
    endpoint.answering(200, 200, 200, 200, status, status);

    ToyRun.Ending ending = run.runPlan();

    assertThat(ending.code()).as(run.result().message()).isEqualTo(code);
    assertThat(run.result().message()).contains("it answers with status " + status);
    assertThat(run.result().baseline()).isNull();
    assertThat(run.published()).noneMatch(name -> name.endsWith("team/out"));
  }

  @Test
  void aTokenThatIsNotThereIsSaidAtOnce() throws IOException {
    ToyRun run = judged(", secretRef: {name: judge}");

    assertThat(run.runPlan().code()).isEqualTo(ExitReason.BAD_PLAN.code());
    assertThat(run.result().message())
        .isEqualTo(
            "safety.evaluation.judge.endpoint.secretRef: expected the token of the Secret judge in"
                + " the environment variable SAFEGRAD_JUDGE_TOKEN");
  }

  @Test
  void aClassifierJudgesInThePodAndItsFilesStandAmongWhatWentIn() throws IOException {
    ToyRun run = new ToyRun(folder);
    Path classifier = run.volume("models").resolve("judge");
    ToyClassifier.write(classifier);
    String digest = Sha256.ofDirectory(classifier);
    String name = "label refusal of pvc://models/judge";
    run.with(
        "evaluationFields",
        ("\n      judge: {type: Classifier, classifier: {source: \"pvc://models/judge\", label:"
                + " refusal, digest: \"%s\"}}")
            .formatted(digest));

    assertThat(run.runPlan().code()).as(run.result().message()).isZero();

    JsonNode report = run.report();
    for (String place : List.of("/measurements/start/judge", "/measurements/tuned/judge")) {
      assertThat(report.at(place + "/name").asText()).isEqualTo(name);
      assertThat(report.at(place + "/digest").asText()).isEqualTo(digest);
    }
    assertThat(report.at("/measurements/tuned/refusal/count").asInt()).isEqualTo(2);
    JsonNode input = report.at("/inputs/3");
    assertThat(input.path("field").asText()).isEqualTo("safety.evaluation.judge.classifier.source");
    assertThat(input.path("digest").asText()).isEqualTo(digest);
    assertThat(input.at("/files").fieldNames())
        .toIterable()
        .contains("config.json", "model.safetensors", "tokenizer.json");
    String provenance =
        Files.readString(run.destination().resolve("provenance.dsse.json")).replaceAll("\\s", "");
    String statement =
        new String(
            Base64.getDecoder()
                .decode(provenance.replaceFirst(".*\"payload\":\"([^\"]*)\".*", "$1")),
            StandardCharsets.UTF_8);
    assertThat(statement).contains("pvc://models/judge", digest.replace("sha256:", ""));
    assertThat(Files.readString(run.destination().resolve("README.md"))).contains(name);
  }

  @Test
  void anotherClassifierThanThePlannedOneIsRefused() throws IOException {
    ToyRun run = new ToyRun(folder);
    ToyClassifier.write(run.volume("models").resolve("judge"));
    String classifier =
        "\n      judge: {type: Classifier, classifier: {source: \"pvc://models/judge\", label: %s%s}}";
    run.with(
        "evaluationFields",
        classifier.formatted("refusal", ", digest: \"sha256:" + "0".repeat(64) + "\""));
    assertThat(run.runPlan().code()).isEqualTo(ExitReason.BAD_DATA.code());
    assertThat(run.result().message())
        .startsWith("safety.evaluation.judge.classifier.digest: pvc://models/judge has sha256:");

    run.with("evaluationFields", classifier.formatted("Refusal", ""));
    assertThat(run.runPlan().code()).isEqualTo(ExitReason.BAD_PLAN.code());
    assertThat(run.result().message())
        .isEqualTo(
            "safety.evaluation.judge.classifier.label: expected one of answer, refusal, found"
                + " Refusal");
    assertThat(run.published()).noneMatch(each -> each.endsWith("team/out"));
  }

  private ToyRun judged(String more) throws IOException {
    return new ToyRun(folder).with("evaluationFields", "\n      judge: " + endpoint.manifest(more));
  }
}
