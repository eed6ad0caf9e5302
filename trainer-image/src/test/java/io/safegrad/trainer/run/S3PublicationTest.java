package io.safegrad.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.S3Server;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.source.DownloadSettings;
import io.safegrad.trainer.source.RemoteSources;
import io.safegrad.trainer.source.SourceResolver;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class S3PublicationTest {

  private static final String PLAN = "sha256:" + "a".repeat(64);
  private static final String OTHER_PLAN = "sha256:" + "b".repeat(64);
  private static final String URI = "s3://results/team/out";

  @TempDir private Path folder;
  private S3Server server;
  private final Map<String, String> variables = new HashMap<>();

  @BeforeEach
  void serve() throws Exception {
    server = S3Server.signed("results");
    variables.putAll(server.variables());
  }

  @AfterEach
  void stop() throws Exception {
    server.close();
  }

  @Test
  void theReportAppearsLastAndTheAdaptersConfigurationBeforeIt() throws IOException {
    publish(PLAN, "weights", report(PLAN, true));

    assertThat(server.keys("results"))
        .containsExactly(
            "team/out/adapter_config.json", "team/out/adapter_model", "team/out/report.json");
    assertThat(text("team/out/adapter_model")).isEqualTo("weights");
    assertThat(server.requests().stream().filter(it -> it.startsWith("COMPLETE")))
        .containsExactly(
            "COMPLETE team/out/adapter_model",
            "COMPLETE team/out/adapter_config.json",
            "COMPLETE team/out/report.json");
    assertThat(folder.resolve("workspace")).isEmptyDirectory();
  }

  @Test
  void nothingIsToBeSeenUntilAllHasArrived() throws IOException {
    List<String> seen = new ArrayList<>();
    server.before("COMPLETE", () -> seen.addAll(server.keys("results")));

    publish(PLAN, "weights", report(PLAN, true));

    assertThat(seen).isEmpty();
    assertThat(server.requests().stream().filter(it -> it.matches("(PART|COMPLETE) .*")))
        .startsWith(
            "PART team/out/adapter_model 1",
            "PART team/out/adapter_config.json 1",
            "PART team/out/report.json 1",
            "COMPLETE team/out/adapter_model");
  }

  @Test
  void preparingLeavesNothing() {
    prepare(PLAN);

    assertThat(server.keys("results")).isEmpty();
    assertThat(server.unfinishedUploads("results")).isZero();
  }

  @Test
  void aLargeFileIsSentInPartsAndAPartThatFailsIsSentAgain() throws IOException {
    byte[] large = new byte[(16 << 20) + 5];
    new Random(3).nextBytes(large);
    server.fail("PART", 503);

    prepare(PLAN)
        .publish(
            staging -> {
              Files.write(staging.resolve("model.safetensors"), large);
              Path merged = Files.createDirectory(staging.resolve("merged"));
              return Files.write(merged.resolve("empty"), new byte[0]);
            });

    assertThat(server.get("results", "team/out/model.safetensors")).isEqualTo(large);
    assertThat(server.get("results", "team/out/merged/empty")).isEmpty();
    assertThat(server.requests()).contains("PART team/out/model.safetensors 2");
  }

  @Test
  void aRefusalInTheMiddleLeavesNothingAndAnotherAttemptMayHelp() {
    Destination destination = prepare(PLAN);
    server.before("PART", () -> server.before("PART", () -> server.fail("PART", 403)));

    assertEndsWith(
        () -> publish(destination, "weights", report(PLAN, true)),
        ExitReason.SOURCE_UNAVAILABLE,
        "output.destination: s3://results/team/out",
        "403");
    assertThat(server.keys("results")).isEmpty();
    assertThat(server.unfinishedUploads("results")).isZero();
    assertThat(folder.resolve("workspace")).isEmptyDirectory();
  }

  @Test
  void aFullDiskHereLeavesNothingThere() {
    assertEndsWith(
        () -> prepare(PLAN).publish(staging -> Files.write(Path.of("/dev/full"), new byte[1])),
        ExitReason.INTERNAL,
        "cannot be written to the workspace: No space left on device");
    assertThat(server.keys("results")).isEmpty();
  }

  @Test
  void anAttemptThatWasStoppedLeavesNoUpload() {
    Destination destination = prepare(PLAN);
    server.before("PART", destination::discard);

    assertThatThrownBy(() -> publish(destination, "weights", report(PLAN, true)))
        .isInstanceOf(RuntimeException.class);
    assertThat(server.unfinishedUploads("results")).isZero();
    assertThat(server.keys("results")).isEmpty();
  }

  @Test
  void whatAKilledAttemptLeftUnfinishedIsRemoved() {
    server.begin("results", "team/out/adapter_model");
    assertThat(server.unfinishedUploads("results")).isEqualTo(1);

    prepare(PLAN);

    assertThat(server.unfinishedUploads("results")).isZero();
  }

  @Test
  void whatAKilledAttemptOfTheSamePlanCompletedIsReplaced() throws IOException {
    Destination killed = prepare(PLAN);
    server.before("COMPLETE", () -> server.before("COMPLETE", () -> server.fail("COMPLETE", 403)));
    assertThatThrownBy(() -> publish(killed, "half", report(PLAN, true)));
    assertThat(server.keys("results")).containsExactly("team/out/adapter_model");

    assertEndsWith(() -> prepare(OTHER_PLAN), ExitReason.BAD_PLAN, "is not empty");
    publish(PLAN, "whole", report(PLAN, true));

    assertThat(text("team/out/adapter_model")).isEqualTo("whole");
    assertThat(server.keys("results")).hasSize(3);
  }

  @Test
  void theSamePlanReplacesItsOwnResultAndRemovesWhatIsNoLongerInIt() throws IOException {
    publish(PLAN, "first", report(PLAN, true));
    server.put("results", "team/out/notes.txt", new byte[1]);

    prepare(PLAN)
        .publish(staging -> Files.writeString(staging.resolve("report.json"), report(PLAN, false)));

    assertThat(server.keys("results"))
        .containsExactly("team/out/notes.txt", "team/out/report.json");
  }

  @Test
  void anotherPlansAdapterIsLeftAloneAndARefusedOnesReportIsNot() throws IOException {
    publish(OTHER_PLAN, "theirs", report(OTHER_PLAN, false));
    publish(OTHER_PLAN, "theirs", report(OTHER_PLAN, true));

    assertEndsWith(
        () -> prepare(PLAN),
        ExitReason.BAD_PLAN,
        "output.destination: s3://results/team/out holds the adapter of another plan, run"
            + " team/other; expected another prefix, or that one removed");
    assertThat(text("team/out/adapter_model")).isEqualTo("theirs");
  }

  @Test
  void somebodysObjectsAreLeftAlone() {
    server.put("results", "team/out/thesis.tex", new byte[1]);
    server.put("results", "team/output/x", new byte[1]);

    assertEndsWith(
        () -> prepare(PLAN),
        ExitReason.BAD_PLAN,
        "is not empty and holds no report of a run; expected another prefix");
    server.delete("results", "team/out/thesis.tex");
    prepare(PLAN);
  }

  @Test
  void aDestinationThatCannotBeUsedIsSaidBeforeAnyTimeIsSpent() throws Exception {
    variables.put("AWS_SECRET_ACCESS_KEY", "another");
    assertEndsWith(() -> prepare(PLAN), ExitReason.BAD_PLAN, "SignatureDoesNotMatch");
    variables.putAll(server.variables());
    assertEndsWith(
        () -> prepare("s3://nobody/out", PLAN), ExitReason.BAD_PLAN, "there is no such bucket");
  }

  private Destination prepare(String plan) {
    return prepare(URI, plan);
  }

  private Destination prepare(String uri, String plan) {
    Path workspace = folder.resolve("workspace");
    assertThat(workspace.toFile().mkdirs() || Files.isDirectory(workspace)).isTrue();
    SourceResolver resolver =
        new SourceResolver(
            folder,
            true,
            workspace,
            new RemoteSources(DownloadSettings.of(variables, workspace), workspace));
    return S3Publication.prepare(
        "output.destination",
        uri,
        resolver.objectStore("output.destination", uri),
        workspace,
        plan);
  }

  private void publish(String plan, String weights, String report) {
    publish(prepare(plan), weights, report);
  }

  private static void publish(Destination destination, String weights, String report) {
    destination.publish(
        staging -> {
          Files.writeString(staging.resolve("report.json"), report);
          Files.writeString(staging.resolve("adapter_config.json"), "{}");
          return Files.writeString(staging.resolve("adapter_model"), weights);
        });
  }

  private static String report(String plan, boolean published) {
    return "{\"run\": \"team/other\", \"plan\": {\"digest\": \"%s\"}, \"artifact\": %s}"
        .formatted(
            plan,
            published
                ? "{\"files\": [{\"name\": \"adapter_model\"}, {\"name\":"
                    + " \"adapter_config.json\"}]}"
                : "null");
  }

  private String text(String key) throws IOException {
    return new String(server.get("results", key), StandardCharsets.UTF_8);
  }

  private static void assertEndsWith(ThrowingCallable call, ExitReason reason, String... sentence) {
    assertThatThrownBy(call)
        .isInstanceOf(TrainerException.class)
        .hasMessageContainingAll(sentence)
        .hasMessageNotContaining(S3Server.SECRET_KEY)
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(reason);
  }
}
