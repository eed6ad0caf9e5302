package io.safegrad.operator.dependent;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.SecretKeySelector;
import io.safegrad.api.v1alpha1.SafeFineTuneSpec;
import io.safegrad.operator.Examples;
import java.util.List;
import org.junit.jupiter.api.Test;

class SecretVariablesTest {

  @Test
  void eachPartHasTheSecretsOfItsOwn() {
    assertThat(
            variables(
                "model: {source: \"s3://models/toy\", secretRef: {name: models}}",
                "dataset: {source: \"https://host/x\", digest: \"sha256:"
                    + "0".repeat(64)
                    + "\", secretRef: {name: web}}",
                "safety: {alignment: {source: \"hf://datasets/a/b/c\", secretRef: {name: hub}},"
                    + " evaluation: {task: \"s3://tests/task.jsonl\", secretRef: {name: tests}}}",
                "output: {destination: \"s3://results/bot\", secretRef: {name: results}}"))
        .containsExactly(
            "SAFEGRAD_MODEL_AWS_ACCESS_KEY_ID=models/AWS_ACCESS_KEY_ID",
            "SAFEGRAD_MODEL_AWS_SECRET_ACCESS_KEY=models/AWS_SECRET_ACCESS_KEY",
            "SAFEGRAD_MODEL_AWS_SESSION_TOKEN=models/AWS_SESSION_TOKEN?",
            "SAFEGRAD_DATASET_TOKEN=web/token",
            "SAFEGRAD_ALIGNMENT_TOKEN=hub/token",
            "SAFEGRAD_EVALUATION_AWS_ACCESS_KEY_ID=tests/AWS_ACCESS_KEY_ID",
            "SAFEGRAD_EVALUATION_AWS_SECRET_ACCESS_KEY=tests/AWS_SECRET_ACCESS_KEY",
            "SAFEGRAD_EVALUATION_AWS_SESSION_TOKEN=tests/AWS_SESSION_TOKEN?",
            "SAFEGRAD_OUTPUT_AWS_ACCESS_KEY_ID=results/AWS_ACCESS_KEY_ID",
            "SAFEGRAD_OUTPUT_AWS_SECRET_ACCESS_KEY=results/AWS_SECRET_ACCESS_KEY",
            "SAFEGRAD_OUTPUT_AWS_SESSION_TOKEN=results/AWS_SESSION_TOKEN?");
  }

  @Test
  void theTokenOfAWebServerIsNotTheHubs() {
    assertThat(
            variables(
                "model: {source: \"https://host/m.gguf\", digest: \"sha256:"
                    + "0".repeat(64)
                    + "\", secretRef: {name: web}}"))
        .containsExactly("SAFEGRAD_MODEL_TOKEN=web/token");
  }

  @Test
  void theModelsTokenIsTheHubsForEveryOtherSource() {
    assertThat(variables("model: {source: \"pvc://m/x\", secretRef: {name: hub}}"))
        .containsExactly("HF_TOKEN=hub/token");
  }

  @Test
  void thePromptsAUserAddsShareTheSecretOfTheOthers() {
    assertThat(
            variables(
                "safety: {evaluation: {task: \"s3://tests/task.jsonl\", secretRef: {name: tests},"
                    + " additionalHarmful: [{source: \"hf://datasets/a/b/c\"}]}}"))
        .containsExactly(
            "SAFEGRAD_EVALUATION_TOKEN=tests/token?",
            "SAFEGRAD_EVALUATION_AWS_ACCESS_KEY_ID=tests/AWS_ACCESS_KEY_ID?",
            "SAFEGRAD_EVALUATION_AWS_SECRET_ACCESS_KEY=tests/AWS_SECRET_ACCESS_KEY?",
            "SAFEGRAD_EVALUATION_AWS_SESSION_TOKEN=tests/AWS_SESSION_TOKEN?");
  }

  @Test
  void theJudgesTokenIsNoOthers() {
    assertThat(
            variables(
                "safety: {evaluation: {judge: {type: Endpoint, endpoint: {baseUrl:"
                    + " \"https://judge.example/v1\", model: m, secretRef: {name: judge}}}}}"))
        .containsExactly("SAFEGRAD_JUDGE_TOKEN=judge/token");
  }

  @Test
  void noneIsGivenWhereNoneIsNamed() {
    assertThat(
            variables(
                "model: {source: \"s3://models/toy\"}",
                "output: {destination: \"s3://results/bot\"}"))
        .isEmpty();
  }

  private static List<String> variables(String... lines) {
    SafeFineTuneSpec spec = Examples.resource(lines).getSpec();
    return SecretVariables.of(spec).stream().map(SecretVariablesTest::text).toList();
  }

  private static String text(EnvVar variable) {
    assertThat(variable.getValue()).isNull();
    SecretKeySelector key = variable.getValueFrom().getSecretKeyRef();
    return "%s=%s/%s%s"
        .formatted(variable.getName(), key.getName(), key.getKey(), key.getOptional() ? "?" : "");
  }
}
