package io.safegrad.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.safegrad.api.v1alpha1.Judge;
import io.safegrad.api.v1alpha1.Lora.TargetModule;
import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Model;
import io.safegrad.api.v1alpha1.SafeFineTune;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ManifestTest {

  private static final String SMALLEST =
      """
      apiVersion: safegrad.io/v1alpha1
      kind: SafeFineTune
      metadata: {name: support-bot, namespace: team-a}
      spec:
        model: {source: "builtin://tiny-aligned"}
        dataset: {source: "file:///data/train.jsonl"}
        output: {destination: "pvc://adapters/support-bot"}
      """;

  @Test
  void fillsInTheDefaultsOfTheCrd() {
    SafeFineTune resource = Manifest.read(SMALLEST);

    assertThat(resource.getSpec().method().name()).isEqualTo(Method.Name.SafeGrad);
    assertThat(resource.getSpec().method().alignmentWeight()).isEqualTo(1.0);
    assertThat(resource.getSpec().training().learningRate()).isEqualTo(1e-4);
    assertThat(resource.getSpec().training().lora().targetModules())
        .containsExactly(TargetModule.values());
    assertThat(resource.getSpec().safety().alignment().source()).isEqualTo("builtin://alignment");
    assertThat(resource.getSpec().safety().gate().maxRefusalDrop()).isEqualTo(0.02);
    assertThat(resource.getSpec().suspend()).isFalse();
  }

  @Test
  void aPlanSurvivesItsYamlAndKnowsItsDigest() {
    TrainingPlan plan = TrainingPlan.of(Manifest.read(SMALLEST));

    assertThat(plan.run()).isEqualTo("team-a/support-bot");
    assertThat(TrainingPlan.fromYaml(plan.toYaml().getBytes(StandardCharsets.UTF_8)))
        .isEqualTo(plan);
    assertThatThrownBy(
            () ->
                TrainingPlan.fromYaml(
                    plan.toYaml()
                        .replace("alignmentWeight: 1.0", "alignmentWeight: 0.0")
                        .getBytes(StandardCharsets.UTF_8)))
        .isInstanceOf(ManifestException.class)
        .hasMessageContaining("digest");
  }

  @Test
  void aPlanWithAnUnknownFieldNamesIt() {
    String yaml = TrainingPlan.of(Manifest.read(SMALLEST)).toYaml() + "learnRate: 3\n";

    assertThatThrownBy(() -> TrainingPlan.fromYaml(yaml.getBytes(StandardCharsets.UTF_8)))
        .isInstanceOf(ManifestException.class)
        .hasMessageContaining("unknown field learnRate")
        .hasMessageContaining("expected one of");
  }

  @Test
  void namesTheFieldAndWhatWasExpected() {
    assertRefused("  suspend: maybe\n", "spec.suspend");
    assertRefused(
        "  training: {learningrate: 0.1}\n",
        "unknown field spec.training.learningrate; expected one of batchSize, ",
        ", learningRate, ");
    assertRefused("  training: {batchSize: 0}\n", "spec.training.batchSize", "1");
    assertRefused("  method: {name: Sgd}\n", "spec.method.name", "SafeGrad");
    assertRefused("  training: {lora: {targetModules: [lm_head]}}\n", "targetModules[0]", "q_proj");
    assertRefused(
        "  pod: {resources: {limits: {memory: 2GB}}}\n",
        "limits.memory",
        "such as 500m, 4 or 16Gi, found");
    assertRefused(
        "  pod: {workspace: {size: -5Gi}}\n",
        "spec.pod.workspace.size",
        "such as 500m, 4 or 16Gi, found");
    assertThatThrownBy(() -> Manifest.read(SMALLEST.replace("file:///data", "ftp://data")))
        .hasMessageStartingWith("manifest: spec.dataset.source: expected builtin://name, file:///")
        .hasMessageEndingWith(", found ftp://…")
        .hasMessageNotContaining("[a-z");
    assertThatThrownBy(() -> Manifest.read(withDestination("hf://team/a?token=b")))
        .hasMessage(
            "manifest: spec.output.destination: expected file:///path, pvc://claim/path or"
                + " s3://bucket/prefix, found hf://…");
    assertThatThrownBy(() -> Manifest.read(withDestination("https://host/team")))
        .hasMessageStartingWith("manifest: spec.output.destination: expected file:///path")
        .hasMessageEndingWith(", found https://…");
    assertThatThrownBy(() -> Manifest.read(withDestination("team/a")))
        .hasMessageEndingWith(", found no address");
    assertThatThrownBy(() -> Manifest.read(SMALLEST.replace("SafeFineTune", "Pod")))
        .hasMessageContaining("kind: SafeFineTune");
    assertThatThrownBy(() -> Manifest.read("a: [")).isInstanceOf(ManifestException.class);
  }

  @Test
  void aPlanThatHasNoFieldsIsToldSo() {
    assertThatThrownBy(() -> TrainingPlan.fromYaml("just words".getBytes(StandardCharsets.UTF_8)))
        .isInstanceOf(ManifestException.class)
        .hasMessage(
            "plan line 1: found a single value or a list; expected fields, each with its value");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      value = {
        "training: {learningRate: -1} ~ training.learningRate: expected a number from 0 to 1,"
            + " found -1",
        "training: {maxSteps: 99999999999} ~ training.maxSteps: expected a whole number from 1 to"
            + " 10000000, found 99999999999",
        "training: {batchSize: 1.5} ~ training.batchSize: expected a whole number from 1 to 4096,"
            + " found 1.5",
        "training: {scheduler: Sine} ~ training.scheduler: expected one of Constant, Cosine,"
            + " Linear, found \"Sine\"",
        "training: {scheduler: 3} ~ training.scheduler: expected one of Constant, Cosine, Linear,"
            + " found 3",
        "training: [1] ~ training: expected a mapping, found a list",
        "training: {lora: {targetModules: q_proj}} ~ training.lora.targetModules: expected a list"
            + " of 1 to 7 items, found a text",
        "training: {lora: {targetModules: []}} ~ training.lora.targetModules: expected a list of"
            + " 1 to 7 items, found a list of 0",
        "suspend: maybe ~ suspend: expected true or false, found \"maybe\"",
        "pod: {nodeSelector: {a: 1}} ~ pod.nodeSelector.a: expected a text, found 1",
        "pod: {resources: {limits: {memory: lots}}} ~ pod.resources.limits.memory: expected a"
            + " quantity, such as 500m, 4 or 16Gi, found \"lots\"",
        "safety: {alignment: {digest: abc}} ~ safety.alignment.digest: expected a text that"
            + " matches ^sha256:[0-9a-f]{64}$, found \"abc\"",
        "method: {name: SafeLora, safeLora: {baseModel: {}}} ~"
            + " method.safeLora.baseModel.source: expected builtin://name, file:///path,"
            + " pvc://claim/path, hf://org/name, https://host/path or s3://bucket/key, found"
            + " nothing",
        "safety: {alignment: {source: 'https://h/a'}} ~ safety.alignment: an https:// source needs"
            + " digest: sha256:…, found https://…",
        "safety: {alignment: {revision: v1}} ~ safety.alignment: revision is for an hf:// source,"
            + " found builtin://…",
        "safety: {evaluation: {additionalHarmful: [{source: 'https://h/a'}]}} ~"
            + " safety.evaluation.additionalHarmful[0]: an https:// source needs digest: sha256:…,"
            + " found https://…",
        "pod: {workspace: {storageClassName: fast}} ~ pod.workspace: a storageClassName needs a"
            + " size, found none",
        "method: {name: Sft, onConflict: Drop} ~ method: onConflict: Drop and Stop are for name:"
            + " SafeGrad and name: WeightedSum, found name: Sft",
      })
  void saysWhereWhatWasExpectedAndWhatWasFound(String addition, String sentence) {
    assertThatThrownBy(() -> Manifest.read(SMALLEST + "  " + addition + "\n"))
        .isInstanceOf(ManifestException.class)
        .hasMessage("manifest: spec." + sentence);
  }

  @Test
  void repeatsNothingThatMayBeSecretOrData() {
    String secret = "model: {source: \"hf://a/b\", secretRef: %s}";
    for (String each :
        List.of("hunter2", "{name: 123456}", "{name: " + "hunter2".repeat(99) + "}")) {
      assertThatThrownBy(
              () -> Manifest.read(SMALLEST.replaceAll("model: .*", secret.formatted(each))))
          .hasMessageContaining("spec.model.secretRef")
          .hasMessageNotContainingAny("hunter2", "123456");
    }
    assertThatThrownBy(
            () ->
                Manifest.read(SMALLEST + "  safety: {evaluation: {additionalHarmful: [words]}}\n"))
        .hasMessage(
            "manifest: spec.safety.evaluation.additionalHarmful[0]: expected a mapping, found a"
                + " text");
    assertThatThrownBy(
            () -> Manifest.read(SMALLEST + "  training: {scheduler: " + "x".repeat(500) + "}\n"))
        .hasMessageEndingWith("found \"" + "x".repeat(40) + "…\"");
    String judge =
        "  safety: {evaluation: {judge: {type: Endpoint, endpoint: {model: m, baseUrl: "
            + "\"https://user:hunter2@host\"}}}}\n";
    assertThatThrownBy(() -> Manifest.read(SMALLEST + judge))
        .hasMessageEndingWith(", found https://…");
  }

  @Test
  void aSecretIsForASourceThatTakesOne() {
    String secret = ", secretRef: {name: s}}";
    assertThatThrownBy(
            () -> Manifest.read(SMALLEST.replace("train.jsonl\"}", "train.jsonl\"" + secret)))
        .hasMessage(
            "manifest: spec.dataset: secretRef is for an hf://, https:// or s3:// source, found"
                + " file://…");
    assertThatThrownBy(
            () -> Manifest.read(SMALLEST.replace("support-bot\"}", "support-bot\"" + secret)))
        .hasMessage("manifest: spec.output: secretRef is for an s3:// destination, found pvc://…");
  }

  @Test
  void takesOneDocumentThatSaysEachThingOnce() {
    assertThat(Manifest.read("---\n" + SMALLEST + "---\n").getMetadata().getName())
        .isEqualTo("support-bot");
    assertThatThrownBy(() -> Manifest.read(SMALLEST + "---\n" + SMALLEST))
        .hasMessage("manifest: expected one document, found 2");
    assertRefused("  suspend: false\n  suspend: true\n", "line 9", "'suspend'");
    assertThatThrownBy(() -> Manifest.read(SMALLEST.replaceAll("(?s)spec:.*", "spec: words")))
        .hasMessage("manifest: spec: expected a mapping, found a text");
  }

  @Test
  void trainedWeightsMayNotBeKeptInLess() {
    String int8 = SMALLEST.replace("tiny-aligned\"}", "tiny-aligned\", storage: Int8}");
    assertThat(Manifest.read(int8).getSpec().model().storage()).isEqualTo(Model.Storage.Int8);
    assertThatThrownBy(() -> Manifest.read(int8 + "  training: {mode: Full}\n"))
        .isInstanceOf(ManifestException.class)
        .hasMessageContaining("model.storage must be Float32 where training.mode is Full");
  }

  @Test
  void aMethodsParametersAreRefusedForAnother() {
    assertRefused("  method: {name: Sft, lisa: {}}\n", "spec.method: lisa is for name: Lisa");
    assertRefused("  method: {spag: {threshold: 1}}\n", "spag is for name: Spag");
    assertRefused("  method: {name: WeightedSum, projectionScope: PerLayer}\n", "SafeGrad");
    assertRefused("  method: {name: Spag, alignmentRefreshSteps: 2}\n", "alignmentRefreshSteps");
    assertRefused(
        "  method: {name: WeightedSum, alignmentHistorySize: 8}\n",
        "alignmentHistorySize is for name: SafeGrad, found name: WeightedSum");
    assertRefused("  method: {alignmentHistorySize: 33}\n", "alignmentHistorySize", "32");
    assertRefused("  method: {name: Lisa, lisa: {userSteps: 0}}\n", "lisa.userSteps", "1");
  }

  @Test
  void safeLoraNeedsABaseModelAndAnAdapter() {
    assertRefused("  method: {name: SafeLora}\n", "safeLora, with its baseModel");
    assertRefused("  method: {name: SafeLora, safeLora: {}}\n", "safeLora", "baseModel");
    assertRefused(
        "  method: {safeLora: {baseModel: {source: \"builtin://x\"}}}\n", "is for name: SafeLora");
    String method =
        "  method: {name: SafeLora, safeLora: {baseModel: {source: \"hf://org/base\"}}}\n";
    assertRefused(method + "  training: {mode: Full}\n", "needs training.mode: Lora");
    Method.SafeLora found = Manifest.read(SMALLEST + method).getSpec().method().safeLora();
    assertThat(found)
        .isEqualTo(new Method.SafeLora(new Method.BaseModel("hf://org/base", null, null), 0.5));
  }

  @Test
  void aJudgesTokenIsSentWhereNobodyReadsIt() {
    String judge =
        "  safety: {evaluation: {judge: {type: Endpoint, endpoint: {baseUrl: \"%s\", model: m,"
            + " secretRef: {name: s}}}}}\n";
    for (String open :
        List.of("http://judge/v1", "http://127.evil.example", "http://localhost.evil.example")) {
      assertRefused(judge.formatted(open), "judge.endpoint: a token is sent to an https://");
    }
    for (String safe :
        List.of("https://judge/v1", "http://127.0.0.1:8000/v1", "http://localhost/v1")) {
      Judge found =
          Manifest.read(SMALLEST + judge.formatted(safe)).getSpec().safety().evaluation().judge();
      assertThat(found.endpoint().baseUrl()).isEqualTo(safe);
      assertThat(found.endpoint().maxRequests()).isEqualTo(5000);
      assertThat(found.stringList()).isNull();
    }
    assertRefused("  safety: {evaluation: {judge: {type: Endpoint}}}\n", "needs endpoint");
    assertRefused(
        "  safety: {evaluation: {judge: {endpoint: {baseUrl: \"https://a\", model: m}}}}\n",
        "type Endpoint, and no other, needs endpoint");
  }

  @Test
  void whatDependsOnTheValidationLossNeedsOne() {
    assertRefused(
        "  training: {evalSteps: 5}\n", "training.evalSteps needs dataset.validationFraction");
    assertRefused("  training: {earlyStoppingPatience: 2}\n", "needs evalSteps");
    assertRefused("  training: {loadBestModelAtEnd: true}\n", "needs evalSteps");
    assertRefused("  training: {earlyStoppingThreshold: 0.1}\n", "needs earlyStoppingPatience");
    String held = SMALLEST.replace("train.jsonl\"}", "train.jsonl\", validationFraction: 0.1}");
    assertThat(held).isNotEqualTo(SMALLEST);
    Manifest.read(
        held
            + "  training: {evalSteps: 5, earlyStoppingPatience: 2, earlyStoppingThreshold: 0.1,"
            + " loadBestModelAtEnd: true}\n");
  }

  @Test
  void thePlanHoldsTheParametersThatAMethodRunsWith() {
    Method left = plan("method: {name: Lisa}").method();
    assertThat(left.lisa()).isEqualTo(new Method.Lisa(10, 90, 1.0));
    assertThat(left.spag()).isNull();
    assertThat(plan("method: {name: Lisa, lisa: {userSteps: 5}}").method().lisa())
        .isEqualTo(new Method.Lisa(10, 5, 1.0));
    assertThat(plan("method: {name: Spag}").method().spag())
        .isEqualTo(plan("method: {name: Spag, spag: {}}").method().spag())
        .isEqualTo(new Method.Spag(0.2, 1.0));
    assertThat(plan("suspend: false").method()).isEqualTo(new Method(Method.Name.SafeGrad, 1.0, 4));
  }

  private static TrainingPlan plan(String addition) {
    return TrainingPlan.of(Manifest.read(SMALLEST + "  " + addition + "\n"));
  }

  @Test
  void takesRemoteSourcesWithWhatPinsThem() {
    String digest = "sha256:" + "0".repeat(64);
    SafeFineTune resource =
        Manifest.read(
            SMALLEST
                .replace(
                    "{source: \"builtin://tiny-aligned\"}",
                    "{source: \"hf://org/name\", revision: v1.0, secretRef: {name: hub}}")
                .replace(
                    "{source: \"file:///data/train.jsonl\"}",
                    "{source: \"https://example.org/a.jsonl\", digest: \"%s\"}".formatted(digest)));

    assertThat(resource.getSpec().model().revision()).isEqualTo("v1.0");
    assertThat(resource.getSpec().model().secretRef().name()).isEqualTo("hub");
    assertThat(resource.getSpec().dataset().digest()).isEqualTo(digest);
    for (String source :
        new String[] {"http://example.org/a", "https://user@example.org/a", "hf://org/name/a"}) {
      assertThatThrownBy(() -> Manifest.read(SMALLEST.replace("file:///data/train.jsonl", source)))
          .hasMessageContaining("spec.dataset.source");
    }
  }

  private static String withDestination(String address) {
    return SMALLEST.replaceAll("destination: \"?[^\"\n}]+\"?", "destination: \"" + address + "\"");
  }

  private static void assertRefused(String addition, String... parts) {
    assertThatThrownBy(() -> Manifest.read(SMALLEST + addition))
        .isInstanceOf(ManifestException.class)
        .hasMessageContainingAll(parts);
  }
}
