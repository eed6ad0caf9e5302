package io.safegrad.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.api.TrainingPlan;
import io.safegrad.trainer.provenance.Finding;
import io.safegrad.trainer.provenance.Verification;
import io.safegrad.trainer.source.Sha256;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PublicKey;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An auditor's view of what a run published and signed: what was changed is named, and where. */
class VerifyTest {

  @TempDir static Path published;
  private static SignedRun signed;

  @TempDir Path folder;
  private Path out;

  @BeforeAll
  static void publish() throws Exception {
    signed = new SignedRun(published, SignedRun.ed25519());
    assertThat(signed.toy().runPlan().code()).isZero();
  }

  @BeforeEach
  void copy() throws IOException {
    out = signed.copyTo(folder.resolve("out"));
  }

  @Test
  void whatWasPublishedIsAsItWas() throws IOException {
    Path plan = published.resolve("plan.yaml");
    List<Finding> findings =
        check(signed.publicKey())
            .plan(plan)
            .plan(signed.toy().manifest())
            .input("dataset.source", signed.toy().volume("data").resolve("train.jsonl"))
            .input(
                "safety.alignment.source", signed.toy().volume("data").resolve("alignment.jsonl"))
            .input("model.source", signed.toy().volume("models").resolve("toy"))
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
  void aChangedByteOfTheAdapterIsNamed() throws IOException {
    changeByte(out.resolve("adapter_model.safetensors"), 1711);

    assertThat(SignedRun.wrong(check(signed.publicKey())))
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
    assertThat(SignedRun.wrong(check(null)).get(0).message())
        .matches(
            "1 of \\d+ blocks differ, the first is bytes 2048 to 3071, the last bytes 2048 to 3071; it"
                + " is .*");
    changeByte(adapter, 500);
    assertThat(SignedRun.wrong(check(null)).get(0).message())
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
    return SignedRun.wrong(check(null)).get(0).message();
  }

  @Test
  void aChangedReportIsNamed() throws IOException {
    Path report = out.resolve("report.json");
    Files.writeString(report, Files.readString(report).replace("the gate held", "the gate helt"));

    assertThat(SignedRun.wrong(check(signed.publicKey())))
        .singleElement()
        .satisfies(finding -> assertThat(finding.what()).isEqualTo("report.json"))
        .satisfies(finding -> assertThat(finding.message()).startsWith("byte "));
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aChangedPlanInTheReportIsNamed(boolean consistent) throws IOException {
    ObjectNode report = (ObjectNode) signed.toy().report();
    ((ObjectNode) report.at("/plan/training")).put("learningRate", 0.5);
    if (consistent) {
      TrainingPlan plan = new ObjectMapper().treeToValue(report.path("plan"), TrainingPlan.class);
      ((ObjectNode) report.path("plan")).put("digest", plan.computeDigest());
    }
    new ObjectMapper().writeValue(out.resolve("report.json").toFile(), report);

    assertThat(SignedRun.wrong(check(signed.publicKey())))
        .extracting(Finding::what)
        .containsExactly("report.json", "report.json plan");
  }

  @Test
  void aChangedPlanFileIsNamedWithItsField() throws IOException {
    Path plan = folder.resolve("plan.yaml");
    Files.writeString(
        plan,
        Files.readString(published.resolve("plan.yaml"))
            .replace("maxRefusalDrop: 1", "maxRefusalDrop: 0.5"));

    assertThat(SignedRun.wrong(check(signed.publicKey()).plan(plan)))
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
    Path data =
        Files.copy(signed.toy().volume("data").resolve("train.jsonl"), folder.resolve("t.jsonl"));
    changeByte(data, 42);
    assertThat(SignedRun.wrong(check(signed.publicKey()).input("dataset.source", data)))
        .singleElement()
        .satisfies(
            finding ->
                assertThat(finding.message()).startsWith("byte 42 was changed, and no other"));

    Path alignment = folder.resolve("alignment.jsonl");
    Files.writeString(alignment, "{}");
    assertThat(
            SignedRun.wrong(check(signed.publicKey()).input("safety.alignment.source", alignment)))
        .singleElement()
        .satisfies(
            finding ->
                assertThat(finding.message())
                    .startsWith("where it was changed cannot be told; it"));
  }

  @Test
  void theFilesOfTheModelThatDifferAreNamed() throws IOException {
    Path model = folder.resolve("model");
    SignedRun.copy(signed.toy().volume("models").resolve("toy"), model);
    changeByte(model.resolve("model.safetensors"), 1000);
    Files.delete(model.resolve("tokenizer_config.json"));
    Files.createFile(model.resolve("added.py"));

    assertThat(SignedRun.wrong(check(signed.publicKey()).input("model.source", model)))
        .singleElement()
        .satisfies(
            finding ->
                assertThat(finding.message())
                    .startsWith(
                        "added.py was added, model.safetensors was changed, tokenizer_config.json is"
                            + " missing; it is sha256:"));
    assertThat(signed.toy().report().at("/inputs/0/files/model.safetensors").asText())
        .isEqualTo(Sha256.ofFile(signed.toy().volume("models").resolve("toy/model.safetensors")));
    assertThat(SignedRun.wrong(check(null).input("model.source", model.resolve("config.json"))))
        .singleElement()
        .satisfies(finding -> assertThat(finding.message()).startsWith("it is no directory"));
  }

  @Test
  void missingAndAdditionalFilesAreNamed() throws IOException {
    Files.delete(out.resolve("README.md"));
    Files.createFile(out.resolve("adapter_model.bin"));

    assertThat(SignedRun.wrong(check(signed.publicKey())))
        .extracting(Finding::what)
        .containsExactly("README.md", "adapter_model.bin");
  }

  @Test
  void theCommandTellsByItsExitCode() throws Exception {
    String data = signed.toy().volume("data").resolve("train.jsonl").toString();
    String[] command = {
      ToyRun.SCRIPT.toString(),
      "verify",
      "--public-key",
      signed.publicPem().toString(),
      "--data",
      data,
      out.toString()
    };

    Process untouched = signed.toy().process(command).start();
    String told = new String(untouched.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(untouched.waitFor()).isZero();
    assertThat(told)
        .contains("OK    provenance.dsse.json: it is signed with the key")
        .contains("OK    adapter_model.safetensors: sha256:")
        .contains("OK    " + data + ": " + Sha256.ofFile(Path.of(data)));

    changeByte(out.resolve("adapter_config.json"), 5);
    Process tampered = signed.toy().process(command).start();
    told = new String(tampered.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(tampered.waitFor()).isEqualTo(65);
    assertThat(told).contains("WRONG adapter_config.json: byte 5 was changed, and no other; ");
    assertThat(Files.readString(published.resolve("stderr")))
        .contains("is not as it was published: 1 of ");
  }

  private Verification check(PublicKey key) throws IOException {
    return Verification.open(out).signature(key).files().report();
  }

  private static void changeByte(Path file, int at) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[at] ^= 1;
    Files.write(file, bytes);
  }
}
