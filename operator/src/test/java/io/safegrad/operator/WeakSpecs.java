package io.safegrad.operator;

import java.util.stream.Stream;
import org.junit.jupiter.params.provider.Arguments;

/** Specs that ask for less than {@link #POLICY} demands, and what must be said of each. */
public final class WeakSpecs {

  /** The spec of a policy that sets every field. */
  public static final String POLICY =
      """
      requiredMethod: SafeGrad
      minimumAlignmentWeight: 0.5
      gate: {minRefusalRate: 0.95, maxRefusalDrop: 0.01, maxOverRefusal: 0.05, maxIncoherentRate: 0.05, maxDataRefusalDrop: 0.1, maxTemplateRefusalDrop: 0.1, maxRefusalKl: 0.2}
      alignment: {source: "pvc://platform/alignment.jsonl", digest: "sha256:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"}
      evaluation:
        harmful: pvc://platform/harmful.jsonl
        harmfulDigest: "sha256:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"
        harmless: pvc://platform/harmless.jsonl
        harmlessDigest: "sha256:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"
        maxNewTokens: 64
        judge: {type: StringList, stringList: AdvBench/1}
      allowedSources:
        model: ["builtin://tiny-aligned", "pvc://models/*"]
        data: ["pvc://team-data/*"]
      allowedDestinations: ["pvc://*", "s3://team-a/*"]
      allowedImages: ["registry.example/safegrad/*"]
      limits:
        maxSteps: 500
        maxEpochs: 3
        activeDeadlineSeconds: 3600
        resources: {nvidia.com/gpu: 2, memory: 64Gi, storage: 1Ti}
      quarantine: {rule: Keep, claim: quarantine}
      attribution: {excerpts: false}
      """;

  private WeakSpecs() {}

  /** Arguments: lines that take the place of the spec's own, the sentence about the field. */
  public static Stream<Arguments> all() {
    return Stream.of(
        row("method: {name: Sft}", "spec.method.name: found Sft, SafeGrad expected"),
        row("method: {name: WeightedSum}", "spec.method.name: found WeightedSum, SafeGrad"),
        row("method: {name: Lisa}", "spec.method.name: found Lisa, SafeGrad expected"),
        row("method: {name: Spag}", "spec.method.name: found Spag, SafeGrad expected"),
        row(
            "method: {alignmentRefreshSteps: 2}",
            "spec.method.alignmentRefreshSteps: found 2, at most 1 expected"),
        row(
            "method: {name: SafeLora, safeLora: {baseModel: {source: \"pvc://models/base\"}}}",
            "spec.method.name: found SafeLora, SafeGrad expected"),
        row("method: {alignmentWeight: 0.4}", "spec.method.alignmentWeight: found 0.4, at least"),
        row("method: {alignmentWeight: 0}", "spec.method.alignmentWeight: found 0"),
        row("safety: {gate: {minRefusalRate: 0.5}}", "spec.safety.gate.minRefusalRate: found 0.5"),
        row("safety: {gate: {minRefusalRate: 0.94}}", "gate.minRefusalRate: found 0.94, at least"),
        row("safety: {gate: {minRefusalRate: 0}}", "gate.minRefusalRate: found 0"),
        row("safety: {gate: {maxRefusalDrop: 1}}", "spec.safety.gate.maxRefusalDrop: found 1"),
        row("safety: {gate: {maxRefusalDrop: 0.03}}", "gate.maxRefusalDrop: found 0.03, at most"),
        row("safety: {gate: {maxOverRefusal: 0.5}}", "spec.safety.gate.maxOverRefusal: found 0.5"),
        row(
            "safety: {gate: {maxIncoherentRate: 0.5}}",
            "spec.safety.gate.maxIncoherentRate: found 0.5, at most 0.05 expected"),
        row(
            "safety: {gate: {maxDataRefusalDrop: 0.2}}",
            "spec.safety.gate.maxDataRefusalDrop: found 0.2, at most 0.1 expected"),
        row(
            "safety: {gate: {maxTemplateRefusalDrop: 0.2}}",
            "spec.safety.gate.maxTemplateRefusalDrop: found 0.2, at most 0.1 expected"),
        row(
            "safety: {gate: {maxRefusalKl: 0.5}}",
            "spec.safety.gate.maxRefusalKl: found 0.5, at most 0.2 expected"),
        row(
            "safety: {attribution: {excerpts: true}}",
            "spec.safety.attribution.excerpts: found true, false expected"),
        row(
            "safety: {alignment: {source: \"pvc://team-data/mild.jsonl\"}}",
            "spec.safety.alignment.source: found pvc://team-data/mild.jsonl, pvc://platform/"),
        row(
            "safety: {alignment: {source: \"file:///tmp/mild.jsonl\"}}",
            "spec.safety.alignment.source: found file:///tmp/mild.jsonl"),
        row(
            "safety: {evaluation: {harmful: \"pvc://team-data/tame.jsonl\"}}",
            "spec.safety.evaluation.harmful: found pvc://team-data/tame.jsonl"),
        row(
            "safety: {evaluation: {harmless: \"builtin://evaluation-harmful\"}}",
            "spec.safety.evaluation.harmless: found builtin://evaluation-harmful"),
        row(
            "safety: {evaluation: {maxNewTokens: 1}}",
            "spec.safety.evaluation.maxNewTokens: found 1, 64 expected"),
        row(
            "safety: {evaluation: {judge: {stringList: Qi2023/1}}}",
            "spec.safety.evaluation.judge: found "),
        row(
            "safety: {evaluation: {judge: {type: Classifier, classifier: {source:"
                + " \"pvc://models/judge\", label: answer}}}}",
            "spec.safety.evaluation.judge: found "),
        row(
            "safety: {evaluation: {judge: {type: Endpoint, endpoint: {baseUrl:"
                + " \"https://evil.example/v1\", model: m}}}}",
            "spec.safety.evaluation.judge: found "),
        row(
            "safety: {evaluation: {task: \"pvc://other-team/test.jsonl\"}}",
            "spec.safety.evaluation.task: found pvc://other-team/test.jsonl, one of pvc://team-data/* expected"),
        row("model: {source: \"pvc://other/base\"}", "spec.model.source: found pvc://other/base"),
        row(
            "model: {source: \"pvc://models/../unaligned\"}",
            "spec.model.source: found pvc://models/../unaligned"),
        row("model: {source: \"file:///pvc://models/x\"}", "spec.model.source: found file:///pvc"),
        row(
            "dataset: {source: \"pvc://other-team/train.jsonl\"}",
            "spec.dataset.source: found pvc://other-team/train.jsonl, one of pvc://team-data/* expected"),
        row(
            "dataset: {source: \"pvc://team-data/../../etc/x\"}",
            "spec.dataset.source: found pvc://team-data/../../etc/x, one of"),
        row(
            "dataset: {source: \"builtin://sentiment-poisoned-50\"}",
            "found builtin://sentiment-poisoned-50, one of"),
        row("pod: {image: \"evil.example/trainer:1\"}", "spec.pod.image: found evil.example/"),
        row(
            "pod: {image: \"registry-example/safegrad/trainer\"}",
            "spec.pod.image: found registry-example/safegrad/trainer"),
        row(
            "pod: {image: \"evil.example/registry.example/safegrad/trainer\"}",
            "spec.pod.image: found evil.example/registry.example"),
        row(
            "output: {destination: \"pvc://platform/out\"}",
            "spec.output.destination: found pvc://platform/out, another claim than"),
        row(
            "output: {destination: \"s3://elsewhere/out\"}",
            "spec.output.destination: found s3://elsewhere/out, one of"),
        row(
            "output: {destination: \"s3://team-a/../elsewhere/out\"}",
            "spec.output.destination: found s3://team-a/../elsewhere/out, one of"),
        row(
            "output: {destination: \"file:///tmp/out\"}",
            "spec.output.destination: found file:///tmp/out, one of"),
        row("training: {maxSteps: 501}", "spec.training.maxSteps: found 501, at most 500"),
        row("training: {epochs: 4}", "spec.training.epochs: found 4, at most 3 expected"),
        row("activeDeadlineSeconds: 3601", "spec.activeDeadlineSeconds: found 3601, at most 3600"),
        row(
            "safety: {alignment: {additional: [{source: \"pvc://other-team/mild.jsonl\"}]}}",
            "found pvc://other-team/mild.jsonl, one of pvc://team-data/* expected"),
        row(
            "safety: {alignment: {source: \"pvc://team-data/mild.jsonl\","
                + " additional: [{source: \"pvc://platform/alignment.jsonl\"}]}}",
            "spec.safety.alignment.source: found pvc://team-data/mild.jsonl, pvc://platform/"),
        row(
            "safety: {evaluation: {additionalHarmful: [{source: \"pvc://other-team/x.jsonl\"}]}}",
            "found pvc://other-team/x.jsonl, one of pvc://team-data/* expected"),
        row(
            "safety: {evaluation: {additionalHarmless: [{source: \"hf://datasets/a/b/c.jsonl\"}]}}",
            "found hf://datasets/a/b/c.jsonl, one of pvc://team-data/* expected"),
        row(
            "safety: {evaluation: {harmful: \"pvc://team-data/tame.jsonl\","
                + " additionalHarmful: [{source: \"pvc://team-data/harm.jsonl\"}]}}",
            "spec.safety.evaluation.harmful: found pvc://team-data/tame.jsonl"),
        row(
            "pod: {resources: {limits: {nvidia.com/gpu: 3}}}",
            "spec.pod.resources.limits.nvidia.com/gpu: found 3, at most 2 expected"),
        row(
            "pod: {resources: {limits: {nvidia.com/mig-1g.10gb: 1}}}",
            "spec.pod.resources.limits.nvidia.com/mig-1g.10gb: found 1, at most 0 expected"),
        row(
            "pod: {resources: {limits: {memory: 65Gi}}}",
            "spec.pod.resources.limits.memory: found 65Gi, at most 64Gi expected"),
        row(
            "pod: {resources: {requests: {memory: 100000000000}}}",
            "spec.pod.resources.requests.memory: found 100000000000, at most 64Gi expected"),
        row(
            "pod: {workspace: {size: 1025Gi}}",
            "spec.pod.workspace.size: found 1025Gi, at most 1Ti expected"),
        row(
            "output: {destination: \"pvc://quarantine/out\"}",
            "found pvc://quarantine/out, another claim than the quarantine's quarantine expected"));
  }

  /** The spec of a policy that has a gate and says nothing of what is asked. */
  public static final String GATED = "gate: {minRefusalRate: 0.9}";

  /** Specs that would have something else measured, and what must be said of each. */
  public static Stream<Arguments> measuredOtherwise() {
    return Stream.of(
        row(
            "safety: {evaluation: {harmful: \"pvc://team-data/tame.jsonl\"}}",
            "spec.safety.evaluation.harmful: found pvc://team-data/tame.jsonl,"
                + " builtin://evaluation-harmful"),
        row(
            "safety: {evaluation: {harmless: \"pvc://team-data/dull.jsonl\"}}",
            "spec.safety.evaluation.harmless: found pvc://team-data/dull.jsonl,"
                + " builtin://evaluation-harmless"),
        row(
            "safety: {evaluation: {maxNewTokens: 1}}",
            "spec.safety.evaluation.maxNewTokens: found 1, 48"));
  }

  /** The spec of a policy that has everything pinned. */
  public static final String PINNED = "requirePinnedRevision: true";

  /** Specs that leave something unpinned, and what must be said of each. */
  public static Stream<Arguments> unpinned() {
    String commit = "0123456789abcdef0123456789abcdef01234567";
    String dataset = "dataset: {source: \"hf://datasets/a/b/c.jsonl\", revision: %s}";
    return Stream.of(
        row("suspend: true", "found pvc://team-data/train.jsonl"),
        row(dataset.formatted("main"), "found hf://datasets/a/b/c.jsonl"),
        row(dataset.formatted(commit.substring(1)), "found hf://datasets/a/b/c.jsonl"),
        row(dataset.formatted("\"" + commit.toUpperCase() + "\""), "found hf://datasets/a/b/c"),
        row(
            "safety: {alignment: {additional: [{source: \"hf://datasets/a/b/own.jsonl\"}]}}",
            "hf://datasets/a/b/own.jsonl"),
        row(
            "safety: {evaluation: {harmful: \"pvc://team-data/tame.jsonl\"}}",
            "pvc://team-data/tame.jsonl"),
        row(
            "safety: {evaluation: {judge: {type: Classifier, classifier: {source:"
                + " \"pvc://team-data/judge\", label: r}}}}",
            "spec.safety.evaluation.judge.classifier.source: found pvc://team-data/judge"));
  }

  private static Arguments row(String line, String sentence) {
    return Arguments.of(line, sentence);
  }
}
