package io.safegrad.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.api.TrainingPlan;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.provenance.Finding;
import io.safegrad.trainer.provenance.Reproduction;
import io.safegrad.trainer.provenance.Verification;
import io.safegrad.trainer.report.RunReport;
import io.safegrad.trainer.source.Sha256;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PublicKey;
import java.security.spec.ECGenParameterSpec;
import java.util.Base64;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An auditor's view of two processes that ran one plan; the first signed what it published. */
class VerifyTest {

  @TempDir static Path published;
  private static ToyRun first;
  private static ToyRun second;
  private static KeyPair keys;

  @TempDir Path folder;
  private Path out;

  @BeforeAll
  static void runTwice() throws Exception {
    keys = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
    first = new ToyRun(Files.createDirectory(published.resolve("first")));
    second = new ToyRun(Files.createDirectory(published.resolve("second")));
    first.withVariable("SAFEGRAD_SIGNING_KEY_FILE", privatePem(keys).toString());
    first.plan();
    second.plan();
    Process one = first.process(ToyRun.SCRIPT.toString(), "run").start();
    Process other = second.process(ToyRun.SCRIPT.toString(), "run").start();
    assertThat(one.waitFor()).isZero();
    assertThat(other.waitFor()).isZero();
  }

  @BeforeEach
  void copy() throws IOException {
    out = folder.resolve("out");
    copy(first.destination(), out);
  }

  @Test
  void twoProcessesGiveTheSameBytes() throws IOException {
    assertThat(second.destination().resolve("adapter_model.safetensors"))
        .hasSameBinaryContentAs(first.destination().resolve("adapter_model.safetensors"));
  }

  @Test
  void whatDiffersBetweenTwoRunsOfOnePlanIsNamed() throws IOException {
    ObjectMapper json = new ObjectMapper();
    RunReport one = json.treeToValue(first.report(), RunReport.class);
    assertThat(Reproduction.compare(one, json.treeToValue(second.report(), RunReport.class)))
        .allMatch(finding -> finding.status() == Finding.Status.OK)
        .extracting(Finding::what)
        .contains("model.source", "dataset.source", "environment", "measurements", "artifact");

    ObjectNode changed = (ObjectNode) second.report();
    ((ObjectNode) changed.path("environment")).put("threads", 99);
    ((ObjectNode) changed.at("/measurements/tuned/refusal")).put("rate", 0.123);
    ((ObjectNode) changed.path("artifact")).put("digest", "sha256:0");
    ((ObjectNode) changed.path("verdict")).put("reason", "GATE_REFUSED");
    List<Finding> findings = Reproduction.compare(one, json.treeToValue(changed, RunReport.class));

    assertThat(findings)
        .filteredOn(finding -> finding.status() == Finding.Status.WRONG)
        .extracting(Finding::what)
        .containsExactly("verdict", "measurements", "artifact");
    assertThat(findings)
        .filteredOn(finding -> finding.what().equals("measurements"))
        .singleElement()
        .satisfies(
            finding ->
                assertThat(finding.message())
                    .isEqualTo("these are not what the report says: tuned.refusal.rate"));
    assertThat(findings)
        .filteredOn(finding -> finding.status() == Finding.Status.NOTE)
        .singleElement()
        .satisfies(
            finding ->
                assertThat(finding.message())
                    .isEqualTo("threads is 99, the report says " + one.environment().threads()));
  }

  @Test
  void whatWasPublishedIsAsItWas() throws IOException {
    Path plan = published.resolve("first/plan.yaml");
    List<Finding> findings =
        check(keys.getPublic())
            .plan(plan)
            .plan(first.manifest())
            .input("dataset.source", first.volume("data").resolve("train.jsonl"))
            .input("safety.alignment.source", first.volume("data").resolve("alignment.jsonl"))
            .input("model.source", first.volume("models").resolve("toy"))
            .findings();

    assertThat(findings).allMatch(finding -> finding.status() == Finding.Status.OK);
    assertThat(findings)
        .extracting(Finding::what)
        .contains(
            "provenance.dsse.json",
            "README.md",
            "adapter_config.json",
            "adapter_model.safetensors",
            "report.json",
            "report.json plan",
            "report.json inputs",
            "report.json artifact.files");
  }

  @Test
  void theStatementNamesAllThatWentIn() throws IOException {
    JsonNode statement = statement(out);

    assertThat(statement.path("_type").asText()).isEqualTo("https://in-toto.io/Statement/v1");
    assertThat(statement.path("predicateType").asText())
        .isEqualTo("https://slsa.dev/provenance/v1");
    assertThat(
            statement
                .at("/predicate/buildDefinition/resolvedDependencies")
                .findValuesAsText("name"))
        .containsExactlyInAnyOrder(
            "model.source",
            "dataset.source",
            "safety.alignment.source",
            "safety.evaluation.judge",
            "safety.evaluation.harmful",
            "safety.evaluation.harmless",
            "safety.evaluation.task",
            "safegrad-trainer");
    assertThat(statement.at("/predicate/buildDefinition/externalParameters/plan/digest").asText())
        .isEqualTo(first.report().at("/plan/digest").asText());
    assertThat(statement.at("/predicate/runDetails/metadata/invocationId").asText())
        .isEqualTo("team/toy");
  }

  @Test
  void aChangedByteOfTheAdapterIsNamed() throws IOException {
    changeByte(out.resolve("adapter_model.safetensors"), 1711);

    assertThat(wrong(check(keys.getPublic())))
        .singleElement()
        .satisfies(
            finding -> {
              assertThat(finding.what()).isEqualTo("adapter_model.safetensors");
              assertThat(finding.message())
                  .startsWith("byte 1711 was changed, and no other; it is sha256:");
            });
  }

  @Test
  void manyChangedBytesAreBounded() throws IOException {
    Path adapter = out.resolve("adapter_model.safetensors");
    byte[] was = Files.readAllBytes(adapter);
    int bytes = was.length;
    changeByte(adapter, 2050);
    changeByte(adapter, 2060);
    assertThat(wrong(check(null)).get(0).message())
        .matches(
            "1 of \\d+ blocks differ, the first is bytes 2048 to 3071, the last bytes 2048 to 3071; it"
                + " is .*");
    changeByte(adapter, 500);
    assertThat(wrong(check(null)).get(0).message())
        .matches(
            "2 of \\d+ blocks differ, the first is bytes 0 to 1023, the last bytes 2048 to 3071; it"
                + " is .*");

    assertThat(differing(adapter, was, bytes, 0, "x"))
        .startsWith(
            "it has %d bytes, expected %d; all of the first %d bytes are as they were, and 1 were added behind them;"
                .formatted(bytes + 1, bytes, bytes));
    assertThat(differing(adapter, was, 3100, bytes - 3100, ""))
        .startsWith(
            "it has 3100 bytes, expected %d; the first 3072 are as they were, and after these the file was cut off;"
                .formatted(bytes));
    assertThat(differing(adapter, was, 2048, bytes - 2048, ""))
        .startsWith(
            "it has 2048 bytes, expected %d; all of them are as they were, and the last %d are missing;"
                .formatted(bytes, bytes - 2048));
    assertThat(differing(adapter, was, 2100, 0, "inserted"))
        .startsWith(
            "it has %d bytes, expected %d; 8 were inserted before byte 2100, and all others are as they were;"
                .formatted(bytes + 8, bytes));
    assertThat(differing(adapter, was, 2100, 3, ""))
        .startsWith(
            "it has %d bytes, expected %d; 3 were removed from bytes 2048 to 3071, or these were changed, and all others are as they were;"
                .formatted(bytes - 3, bytes));
  }

  /** What is said of a file in which some bytes are replaced. */
  private String differing(Path file, byte[] was, int at, int removed, String inserted)
      throws IOException {
    ByteArrayOutputStream content = new ByteArrayOutputStream();
    content.write(was, 0, at);
    content.writeBytes(inserted.getBytes(StandardCharsets.UTF_8));
    content.write(was, at + removed, was.length - at - removed);
    Files.write(file, content.toByteArray());
    return wrong(check(null)).get(0).message();
  }

  @Test
  void aChangedReportIsNamed() throws IOException {
    Path report = out.resolve("report.json");
    Files.writeString(report, Files.readString(report).replace("the gate held", "the gate helt"));

    assertThat(wrong(check(keys.getPublic())))
        .singleElement()
        .satisfies(finding -> assertThat(finding.what()).isEqualTo("report.json"))
        .satisfies(finding -> assertThat(finding.message()).startsWith("byte "));
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aChangedPlanInTheReportIsNamed(boolean consistent) throws IOException {
    ObjectNode report = (ObjectNode) first.report();
    ((ObjectNode) report.at("/plan/training")).put("learningRate", 0.5);
    if (consistent) {
      TrainingPlan plan = new ObjectMapper().treeToValue(report.path("plan"), TrainingPlan.class);
      ((ObjectNode) report.path("plan")).put("digest", plan.computeDigest());
    }
    new ObjectMapper().writeValue(out.resolve("report.json").toFile(), report);

    assertThat(wrong(check(keys.getPublic())))
        .extracting(Finding::what)
        .containsExactly("report.json", "report.json plan");
  }

  @Test
  void aChangedPlanFileIsNamedWithItsField() throws IOException {
    Path plan = folder.resolve("plan.yaml");
    Files.writeString(
        plan,
        Files.readString(published.resolve("first/plan.yaml"))
            .replace("maxRefusalDrop: 1", "maxRefusalDrop: 0.5"));

    assertThat(wrong(check(keys.getPublic()).plan(plan)))
        .singleElement()
        .satisfies(
            finding ->
                assertThat(finding.message())
                    .isEqualTo(
                        "it is not the plan of the run; these fields differ:"
                            + " safety.gate.maxRefusalDrop"));
  }

  @Test
  void aChangedDataFileIsNamed() throws IOException {
    Path data = Files.copy(first.volume("data").resolve("train.jsonl"), folder.resolve("t.jsonl"));
    changeByte(data, 42);
    assertThat(wrong(check(keys.getPublic()).input("dataset.source", data)))
        .singleElement()
        .satisfies(
            finding ->
                assertThat(finding.message()).startsWith("byte 42 was changed, and no other"));

    Path alignment = folder.resolve("alignment.jsonl");
    Files.writeString(alignment, "{}");
    assertThat(wrong(check(keys.getPublic()).input("safety.alignment.source", alignment)))
        .singleElement()
        .satisfies(
            finding ->
                assertThat(finding.message())
                    .startsWith("where it was changed cannot be told; it"));
  }

  @Test
  void theFilesOfTheModelThatDifferAreNamed() throws IOException {
    Path model = folder.resolve("model");
    copy(first.volume("models").resolve("toy"), model);
    changeByte(model.resolve("model.safetensors"), 1000);
    Files.delete(model.resolve("tokenizer_config.json"));
    Files.createFile(model.resolve("added.py"));

    assertThat(wrong(check(keys.getPublic()).input("model.source", model)))
        .singleElement()
        .satisfies(
            finding ->
                assertThat(finding.message())
                    .startsWith(
                        "added.py was added, model.safetensors was changed, tokenizer_config.json is"
                            + " missing; it is sha256:"));
    assertThat(first.report().at("/inputs/0/files/model.safetensors").asText())
        .isEqualTo(Sha256.ofFile(first.volume("models").resolve("toy/model.safetensors")));
    assertThat(wrong(check(null).input("model.source", model.resolve("config.json"))))
        .singleElement()
        .satisfies(finding -> assertThat(finding.message()).startsWith("it is no directory"));
  }

  @Test
  void missingAndAdditionalFilesAreNamed() throws IOException {
    Files.delete(out.resolve("README.md"));
    Files.createFile(out.resolve("adapter_model.bin"));

    assertThat(wrong(check(keys.getPublic())))
        .extracting(Finding::what)
        .containsExactly("README.md", "adapter_model.bin");
  }

  @Test
  void aProvenanceThatWasWrittenAnewIsNotSigned() throws Exception {
    copy(second.destination(), folder.resolve("unsigned"));
    out = folder.resolve("unsigned");

    assertThat(wrong(check(keys.getPublic())))
        .singleElement()
        .satisfies(finding -> assertThat(finding.message()).startsWith("it is not signed"));
    assertThat(check(null).findings())
        .filteredOn(finding -> finding.status() == Finding.Status.NOTE)
        .singleElement()
        .satisfies(finding -> assertThat(finding.message()).startsWith("it is not signed"));
    assertThat(wrong(check(null))).isEmpty();
  }

  @Test
  void anotherKeyAndAChangedStatementAreRefused() throws Exception {
    for (KeyPair other :
        List.of(
            KeyPairGenerator.getInstance("Ed25519").generateKeyPair(),
            ellipticCurve("secp256r1"))) {
      assertThat(wrong(check(other.getPublic())))
          .singleElement()
          .satisfies(
              finding -> assertThat(finding.message()).startsWith("its signature is not that"));
    }

    Path file = out.resolve("provenance.dsse.json");
    ObjectNode envelope = (ObjectNode) new ObjectMapper().readTree(file.toFile());
    String changed =
        statement(out).toString().replace("safegrad.io/safegrad-trainer", "safegrad.io/other");
    envelope.put(
        "payload", Base64.getEncoder().encodeToString(changed.getBytes(StandardCharsets.UTF_8)));
    new ObjectMapper().writeValue(file.toFile(), envelope);
    assertThat(wrong(check(keys.getPublic())))
        .extracting(Finding::what)
        .containsExactly("provenance.dsse.json");
  }

  @Test
  void withoutProvenanceNothingCanBeChecked() throws IOException {
    Files.delete(out.resolve("provenance.dsse.json"));

    assertThatThrownBy(() -> check(null))
        .isInstanceOf(TrainerException.class)
        .hasMessageEndingWith(
            "expected the file provenance.dsse.json; without it nothing can be checked");
  }

  @Test
  void theCommandTellsByItsExitCode() throws Exception {
    Path pem = pem("PUBLIC KEY", keys.getPublic().getEncoded(), folder.resolve("public.pem"));
    String data = first.volume("data").resolve("train.jsonl").toString();
    String[] command = {
      ToyRun.SCRIPT.toString(),
      "verify",
      "--public-key",
      pem.toString(),
      "--data",
      data,
      out.toString()
    };

    Process untouched = first.process(command).start();
    String told = new String(untouched.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(untouched.waitFor()).isZero();
    assertThat(told)
        .contains("OK    provenance.dsse.json: it is signed with the key")
        .contains("OK    adapter_model.safetensors: sha256:")
        .contains("OK    " + data + ": " + Sha256.ofFile(Path.of(data)));

    changeByte(out.resolve("adapter_config.json"), 5);
    Process tampered = first.process(command).start();
    told = new String(tampered.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(tampered.waitFor()).isEqualTo(65);
    assertThat(told).contains("WRONG adapter_config.json: byte 5 was changed, and no other; ");
    assertThat(Files.readString(published.resolve("first/stderr")))
        .contains("is not as it was published: 1 of ");
  }

  @Test
  void anEllipticCurveKeySignsAndOtherKeysAreRefusedAtTheStart() throws Exception {
    KeyPair pair = ellipticCurve("secp256r1");
    ToyRun run = new ToyRun(folder.resolve("p256"));
    run.withVariable("SAFEGRAD_SIGNING_KEY_FILE", privatePem(pair).toString())
        .with("gate", "{minRefusalRate: 1}");
    assertThat(run.run().code()).isEqualTo(67);
    out = run.destination();
    assertThat(wrong(check(pair.getPublic()))).isEmpty();

    Path bad = privatePem(ellipticCurve("secp384r1"));
    run.withVariable("SAFEGRAD_SIGNING_KEY_FILE", bad.toString());
    ToyRun.Ending ending = run.run();
    assertThat(ending.code()).isEqualTo(64);
    assertThat(ending.err())
        .contains("SAFEGRAD_SIGNING_KEY_FILE: " + bad + " holds no key that can be used; expected");
  }

  private Verification check(PublicKey key) throws IOException {
    return Verification.open(out).signature(key).files().report();
  }

  private static List<Finding> wrong(Verification verification) {
    return verification.findings().stream()
        .filter(finding -> finding.status() == Finding.Status.WRONG)
        .toList();
  }

  private static JsonNode statement(Path folder) throws IOException {
    ObjectMapper json = new ObjectMapper();
    JsonNode envelope = json.readTree(folder.resolve("provenance.dsse.json").toFile());
    return json.readTree(Base64.getDecoder().decode(envelope.path("payload").asText()));
  }

  private static void changeByte(Path file, int at) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[at] ^= 1;
    Files.write(file, bytes);
  }

  private static KeyPair ellipticCurve(String curve) throws GeneralSecurityException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec(curve));
    return generator.generateKeyPair();
  }

  private static Path privatePem(KeyPair pair) throws IOException {
    return pem(
        "PRIVATE KEY",
        pair.getPrivate().getEncoded(),
        Files.createTempFile(published, "key", ".pem"));
  }

  private static Path pem(String label, byte[] der, Path file) throws IOException {
    return Files.writeString(
        file,
        "-----BEGIN %1$s-----%n%2$s%n-----END %1$s-----%n"
            .formatted(label, Base64.getMimeEncoder().encodeToString(der)));
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(from.relativize(file).toString()));
      }
    }
  }
}
