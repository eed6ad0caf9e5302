package io.safegrad.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.provenance.Finding;
import io.safegrad.trainer.provenance.Reproduction;
import io.safegrad.trainer.provenance.Verification;
import io.safegrad.trainer.report.RunReport;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.PublicKey;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two processes that ran one plan: what they state, who signed it, and that the same came out. */
class ProvenanceTest {

  @TempDir static Path published;
  private static SignedRun signed;
  private static ToyRun second;

  @TempDir Path folder;
  private Path out;

  @BeforeAll
  static void runTwice() throws Exception {
    signed = new SignedRun(Files.createDirectory(published.resolve("first")), SignedRun.ed25519());
    second = new ToyRun(Files.createDirectory(published.resolve("second")));
    signed.toy().plan();
    second.plan();
    Process one = signed.toy().process(ToyRun.SCRIPT.toString(), "run").start();
    Process other = second.process(ToyRun.SCRIPT.toString(), "run").start();
    assertThat(one.waitFor()).isZero();
    assertThat(other.waitFor()).isZero();
  }

  @BeforeEach
  void copy() throws IOException {
    out = signed.copyTo(folder.resolve("out"));
  }

  @Test
  void twoProcessesGiveTheSameBytes() throws IOException {
    assertThat(second.destination().resolve("adapter_model.safetensors"))
        .hasSameBinaryContentAs(signed.toy().destination().resolve("adapter_model.safetensors"));
  }

  @Test
  void whatDiffersBetweenTwoRunsOfOnePlanIsNamed() throws IOException {
    ObjectMapper json = new ObjectMapper();
    RunReport one = json.treeToValue(signed.toy().report(), RunReport.class);
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
        .isEqualTo(signed.toy().report().at("/plan/digest").asText());
    assertThat(statement.at("/predicate/runDetails/metadata/invocationId").asText())
        .isEqualTo("team/toy");
  }

  @Test
  void aProvenanceThatWasWrittenAnewIsNotSigned() throws Exception {
    out = folder.resolve("unsigned");
    SignedRun.copy(second.destination(), out);

    assertThat(SignedRun.wrong(check(signed.publicKey())))
        .singleElement()
        .satisfies(finding -> assertThat(finding.message()).startsWith("it is not signed"));
    assertThat(check(null).findings())
        .filteredOn(finding -> finding.status() == Finding.Status.NOTE)
        .singleElement()
        .satisfies(finding -> assertThat(finding.message()).startsWith("it is not signed"));
    assertThat(SignedRun.wrong(check(null))).isEmpty();
  }

  @Test
  void anotherKeyAndAChangedStatementAreRefused() throws Exception {
    for (KeyPair other : List.of(SignedRun.ed25519(), SignedRun.ellipticCurve("secp256r1"))) {
      assertThat(SignedRun.wrong(check(other.getPublic())))
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
    assertThat(SignedRun.wrong(check(signed.publicKey())))
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
  void anEllipticCurveKeySignsAndOtherKeysAreRefusedAtTheStart() throws Exception {
    Path p256 = Files.createDirectory(folder.resolve("p256"));
    SignedRun curve = new SignedRun(p256, SignedRun.ellipticCurve("secp256r1"));
    ToyRun run = curve.toy().with("gate", "{minRefusalRate: 1}");
    assertThat(run.run().code()).isEqualTo(67);
    out = run.destination();
    assertThat(SignedRun.wrong(check(curve.publicKey()))).isEmpty();

    Path bad = curve.privatePem(SignedRun.ellipticCurve("secp384r1"));
    run.withVariable("SAFEGRAD_SIGNING_KEY_FILE", bad.toString());
    ToyRun.Ending ending = run.run();
    assertThat(ending.code()).isEqualTo(64);
    assertThat(ending.err())
        .contains("SAFEGRAD_SIGNING_KEY_FILE: " + bad + " holds no key that can be used; expected");
  }

  private Verification check(PublicKey key) throws IOException {
    return Verification.open(out).signature(key).files().report();
  }

  private static JsonNode statement(Path folder) throws IOException {
    ObjectMapper json = new ObjectMapper();
    JsonNode envelope = json.readTree(folder.resolve("provenance.dsse.json").toFile());
    return json.readTree(Base64.getDecoder().decode(envelope.path("payload").asText()));
  }
}
