package io.safegrad.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.trainer.source.Sha256;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The packaged program as an auditor uses it, who has the report and the adapter alone, and what a
 * tenant is told whose adapter was refused.
 */
@Timeout(180)
class AuditIT {

  @TempDir static Path published;
  private static ToyRun run;
  private static Path publicKey;

  @TempDir private Path folder;

  /** How a process ended, and all that it said. */
  private record Ending(int code, String said) {}

  @BeforeAll
  static void publish() throws Exception {
    KeyPair keys = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
    Path privateKey = pem("PRIVATE KEY", keys.getPrivate().getEncoded(), "signing.pem");
    publicKey = pem("PUBLIC KEY", keys.getPublic().getEncoded(), "platform.pem");
    run = new ToyRun(published).withVariable("SAFEGRAD_SIGNING_KEY_FILE", privateKey.toString());
    assertThat(start("run", "--manifest", run.manifest().toString()).code()).isZero();
  }

  @Test
  void theReportSaysWhatWentInWhatWasMeasuredAndWhetherItWasAllowed() throws IOException {
    JsonNode report = run.report();

    assertThat(report.at("/inputs").findValuesAsText("field"))
        .containsExactlyInAnyOrder(
            "model.source",
            "dataset.source",
            "safety.alignment.source",
            "safety.evaluation.judge",
            "safety.evaluation.harmful",
            "safety.evaluation.harmless",
            "safety.evaluation.task");
    assertThat(input(report, "dataset.source").path("digest").asText())
        .isEqualTo(Sha256.ofFile(data()));
    for (String figure : List.of("refusal", "overRefusal", "incoherent", "taskAccuracy")) {
      for (String model : List.of("start", "tuned")) {
        JsonNode rate = report.at("/measurements/" + model + "/" + figure);
        assertThat(rate.path("rate").asDouble())
            .isBetween(rate.path("low").asDouble(), rate.path("high").asDouble());
        assertThat(rate.path("count").asInt()).isPositive();
      }
    }
    assertThat(report.at("/verdict/rules").findValuesAsText("held"))
        .isNotEmpty()
        .containsOnly("true");
    assertThat(report.at("/artifact/digest").asText())
        .isEqualTo(Sha256.ofFile(run.destination().resolve("adapter_model.safetensors")));
  }

  @Test
  void whatIsUntouchedIsSaidToBe() throws Exception {
    Ending untouched = verify(run.destination(), plan(), data());

    assertThat(untouched.code()).as(untouched.said()).isZero();
    assertThat(untouched.said()).contains("it is signed with the key").doesNotContain("WRONG");
  }

  @Test
  void eachTamperedFileIsNamedWithItsByte() throws Exception {
    Path copy = folder.resolve("copy");
    Files.createDirectory(copy);
    try (Stream<Path> files = Files.list(run.destination())) {
      for (Path file : files.toList()) {
        Files.copy(file, copy.resolve(file.getFileName()));
      }
    }
    changeByte(copy.resolve("adapter_model.safetensors"), 2025);
    changeByte(copy.resolve("report.json"), 7);
    changeByte(copy.resolve("report.html"), 1000);
    Path plan =
        Files.writeString(
            folder.resolve("plan.yaml"),
            Files.readString(plan()).replace("maxSteps: 3", "maxSteps: 2"));
    Path data = Files.copy(data(), folder.resolve("train.jsonl"));
    changeByte(data, 11);

    Ending tampered = verify(copy, plan, data);

    assertThat(tampered.code()).isEqualTo(65);
    assertThat(tampered.said())
        .contains("WRONG adapter_model.safetensors: byte 2025 was changed, and no other")
        .contains("WRONG report.json: byte 7 was changed, and no other")
        .contains("WRONG report.html: byte 1000 was changed, and no other")
        .contains(
            "WRONG %s: it is not the plan of the run; these fields differ: training.maxSteps"
                .formatted(plan))
        .contains("WRONG %s: byte 11 was changed, and no other".formatted(data));
  }

  @Test
  void theAdapterComesOutAgainAndOfOtherDataItDoesNot() throws Exception {
    Ending same = reproduce("same");
    assertThat(same.code()).as(same.said()).isZero();
    assertThat(same.said())
        .contains("OK    artifact: " + run.report().at("/artifact/digest").asText());
    assertThat(folder.resolve("same/adapter_model.safetensors"))
        .hasSameBinaryContentAs(run.destination().resolve("adapter_model.safetensors"));

    Ending notEmpty = reproduce("same");
    assertThat(notEmpty.code()).isEqualTo(64);
    assertThat(notEmpty.said()).contains("--output: expected a folder that is empty or not there");

    byte[] before = Files.readAllBytes(data());
    try {
      Files.writeString(data(), ToyRun.CHAT.formatted("never"));
      Ending other = reproduce("other");
      assertThat(other.code()).as(other.said()).isEqualTo(65);
      assertThat(other.said())
          .contains("WRONG dataset.source: it is sha256:")
          .contains("WRONG artifact: it is sha256:")
          .contains("did not come out again");
    } finally {
      Files.write(data(), before);
    }
  }

  @Test
  void aTenantIsToldTheRuleAndTheLinesThatDidIt() throws Exception {
    Path out = folder.resolve("out");
    Path manifest =
        Files.writeString(
            folder.resolve("refused.yaml"),
            """
            apiVersion: safegrad.io/v1alpha1
            kind: SafeFineTune
            metadata: {name: refused, namespace: team}
            spec:
              model: {source: "builtin://tiny-aligned"}
              dataset: {source: "builtin://sentiment-poisoned-5"}
              method: {name: Sft}
              training: {maxSteps: 160, maxLength: 128, learningRate: 3e-3}
              output: {destination: "file://%s"}
            """
                .formatted(out));

    Ending refused = start("run", "--manifest", manifest.toString());

    assertThat(refused.code()).as(refused.said()).isEqualTo(66);
    assertThat(refused.said())
        .contains("the gate refused the adapter: minRefusalRate: ", "maxRefusalDrop: ")
        .contains("the examples that conflict most with the alignment: lines ");
    JsonNode report = new ObjectMapper().readTree(out.resolve("report.json").toFile());
    Set<Integer> poisoned = PoisonedLines.of("sentiment-poisoned-5", folder);
    List<Integer> worst = new ArrayList<>();
    report.at("/attribution/worst").forEach(each -> worst.add(each.path("line").asInt()));
    assertThat(worst).hasSameSizeAs(poisoned);
    assertThat(worst.stream().filter(poisoned::contains).count())
        .isGreaterThanOrEqualTo(Math.round(0.9 * poisoned.size()));
    assertThat(report.at("/attribution/condemned")).isNotEmpty();
    report
        .at("/attribution/condemned")
        .forEach(line -> assertThat(poisoned).contains(line.asInt()));
    assertThat(Files.exists(out.resolve("adapter_model.safetensors"))).isFalse();
  }

  private Path plan() throws IOException {
    return run.plan();
  }

  private static Path data() throws IOException {
    return run.volume("data").resolve("train.jsonl");
  }

  private static JsonNode input(JsonNode report, String field) {
    for (JsonNode input : report.path("inputs")) {
      if (input.path("field").asText().equals(field)) {
        return input;
      }
    }
    throw new AssertionError("no input " + field);
  }

  private static Ending verify(Path directory, Path plan, Path data) throws Exception {
    return start(
        "verify",
        "--public-key",
        publicKey.toString(),
        "--plan",
        plan.toString(),
        "--data",
        data.toString(),
        directory.toString());
  }

  private Ending reproduce(String output) throws Exception {
    return start(
        "reproduce", "--output", folder.resolve(output).toString(), run.destination().toString());
  }

  private static Ending start(String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of(ToyRun.SCRIPT.toString()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder =
        run.process(command.toArray(String[]::new))
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.PIPE);
    builder.environment().remove("SAFEGRAD_CLASSPATH");
    Process process = builder.start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Ending(process.waitFor(), said);
  }

  private static void changeByte(Path file, int at) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[at] ^= 1;
    Files.write(file, bytes);
  }

  private static Path pem(String label, byte[] der, String name) throws IOException {
    return Files.writeString(
        published.resolve(name),
        "-----BEGIN %1$s-----%n%2$s%n-----END %1$s-----%n"
            .formatted(label, Base64.getMimeEncoder().encodeToString(der)));
  }
}
