package io.safegrad.operator.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.ResourceQuota;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.apiextensions.v1.JSONSchemaProps;
import io.fabric8.kubernetes.api.model.apiextensions.v1.JSONSchemaPropsBuilder;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.batch.v1.JobBuilder;
import io.safegrad.api.v1alpha1.Phase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What cannot be run, and how its user learns why. */
@ExtendWith(Cluster.Extension.class)
class BadInputIT {

  private final Cluster cluster;

  BadInputIT(Cluster cluster) {
    this.cluster = cluster;
  }

  @Test
  void aPodThatCannotBeIsRefusedInOneSentenceAndMayBeCorrected() {
    TestRun run =
        new TestRun(cluster)
            .create("pod: {resources: {requests: {cpu: \"4\"}, limits: {cpu: \"2\"}}}");
    run.awaitCondition("Accepted", "InvalidPod");
    assertThat(run.condition("Accepted").getStatus()).isEqualTo("False");
    assertThat(run.condition("Accepted").getMessage())
        .contains("must be less than or equal to cpu limit")
        .doesNotContain("\n", "\tat ", "Exception");
    assertThat(run.condition("Stalled").getStatus()).isEqualTo("True");
    assertThat(run.job()).isEmpty();
    assertThat(run.status().startTime()).isNull();
    assertThat(run.eventReasons()).containsExactly("Blocked");

    run.patchSpec("{\"pod\": {\"resources\": {\"requests\": {\"cpu\": \"1\"}}}}");
    run.awaitJob();
    run.awaitPhase(Phase.Queued);
    assertThat(run.condition("Accepted").getStatus()).isEqualTo("True");
    assertThat(run.condition("Stalled").getStatus()).isEqualTo("False");
  }

  @Test
  void aJobOfSomebodyElseIsLeftAloneAndNamed() {
    TestRun run = new TestRun(cluster);
    Job foreign =
        cluster
            .client()
            .resource(
                new JobBuilder()
                    .withNewMetadata()
                    .withName(TestRun.NAME)
                    .withNamespace(run.namespace())
                    .endMetadata()
                    .withNewSpec()
                    .withSuspend(true)
                    .withNewTemplate()
                    .withNewSpec()
                    .withRestartPolicy("Never")
                    .addNewContainer()
                    .withName("other")
                    .withImage("other")
                    .endContainer()
                    .endSpec()
                    .endTemplate()
                    .endSpec()
                    .build())
            .create();
    run.create();
    run.awaitCondition("Accepted", "NameTaken");
    assertThat(run.condition("Accepted").getMessage())
        .startsWith("jobs.batch \"support-bot\" already exists; it was not made for this");
    cluster.client().resource(foreign).delete();
    TestRun.awaitUntil(
        "a Job of its own",
        () -> run.job().filter(job -> job.hasOwnerReferenceFor(run.resource().get())).isPresent());
  }

  /** The spec is fixed by then; the name is told all the same, and again after a restart. */
  @Test
  void aPlanOfSomebodyElseIsNamedAtOnceAndByEveryOperator() throws Exception {
    TestRun run = new TestRun(cluster);
    ConfigMap foreign =
        cluster
            .client()
            .resource(
                new ConfigMapBuilder()
                    .withNewMetadata()
                    .withName(TestRun.NAME + "-plan")
                    .withNamespace(run.namespace())
                    .endMetadata()
                    .build())
            .create();
    run.create();
    run.awaitCondition("Ready", "NameTaken");
    assertThat(run.condition("Ready").getMessage())
        .startsWith("configmaps \"support-bot-plan\" already exists; it was not made for this");
    Duration told =
        Duration.between(
            Instant.parse(run.resource().get().getMetadata().getCreationTimestamp()),
            Instant.parse(run.condition("Ready").getLastTransitionTime()));
    assertThat(told).isLessThan(Duration.ofSeconds(4));
    String version = run.resource().get().getMetadata().getResourceVersion();
    cluster.operator().kill();
    cluster.operator().start();
    new TestRun(cluster).create().awaitJob();
    assertThat(run.resource().get().getMetadata().getResourceVersion()).isEqualTo(version);
    assertThat(run.job()).isEmpty();
    cluster.client().resource(foreign).delete();
    run.awaitPhase(Phase.Queued);
  }

  @Test
  void aQuotaIsToldAndTheRunStartsWhenThereIsRoom() {
    TestRun run = new TestRun(cluster);
    ResourceQuota quota = run.quota("no-jobs", "count/jobs.batch", "0");
    run.create();
    run.awaitCondition("Accepted", "Forbidden");
    assertThat(run.condition("Accepted").getMessage()).contains("exceeded quota: no-jobs");
    cluster.client().resource(quota).delete();
    run.awaitPhase(Phase.Queued);
  }

  @Test
  void kubectlRefusesAnUnknownFieldAndAValueOutOfRange() throws Exception {
    TestRun run = new TestRun(cluster);
    Path file = Files.createTempFile("broken", ".yaml");
    Files.writeString(file, run.manifest("trainng: {epochs: 1}"));
    assertThat(cluster.kubectl("apply", "-f", file.toString()).output())
        .contains("unknown field \"spec.trainng\"");
    Files.writeString(file, run.manifest("training: {epochs: 0}"));
    assertThat(cluster.kubectl("apply", "-f", file.toString()).output())
        .contains("spec.training.epochs: Invalid value: 0", "greater than or equal to 1");
    Files.writeString(file, run.manifest("method: {name: Magic}"));
    assertThat(cluster.kubectl("apply", "-f", file.toString()).output())
        .contains("Unsupported value: \"Magic\"", "\"SafeGrad\"");
    Files.writeString(file, run.manifest("dataset: {source: \"ftp://data\"}"));
    assertThat(cluster.kubectl("apply", "-f", file.toString()).output())
        .contains("spec.dataset.source: Invalid value: \"ftp://data\": expected builtin://name, ")
        .doesNotContain("[a-z0-9]");
    assertThat(run.resource().get()).isNull();
  }

  @Test
  void kubectlRefusesARemoteSourceThatNothingPinsAndTakesOneThatIsPinned() throws Exception {
    TestRun run = new TestRun(cluster);
    Path file = Files.createTempFile("remote", ".yaml");
    String remote = "safety: {alignment: {source: \"https://example.org/a.jsonl\"%s}}";
    Files.writeString(file, run.manifest(remote.formatted("")));
    assertThat(cluster.kubectl("apply", "-f", file.toString()).output())
        .contains("spec.safety.alignment: Invalid value", "an https:// source needs digest");
    String digest = ", digest: \"sha256:%s\"".formatted("0".repeat(64));
    Files.writeString(file, run.manifest(remote.formatted(digest + ", revision: main")));
    assertThat(cluster.kubectl("apply", "-f", file.toString()).output())
        .contains("revision is for an hf:// source");
    assertThat(run.resource().get()).isNull();
    Files.writeString(file, run.manifest(remote.formatted(digest)));
    assertThat(cluster.kubectl("apply", "-f", file.toString()).output()).contains("created");
  }

  @Test
  void kubectlExplainsTheSpec() throws Exception {
    String spec = cluster.kubectl("explain", "sft.spec").output();
    assertThat(spec)
        .contains("The model to start from. It is never changed.", "-required-", "training");
    assertThat(cluster.kubectl("explain", "sft.spec.method.name").output())
        .contains("ENUM:", "SafeGrad", "on conflict the user's gradient is projected");
  }

  /** A newer CRD than the operator was built with: nobody else may suffer from it. */
  @Test
  void whatANewerApiStoredDoesNotStopTheOperator() throws Exception {
    CustomResourceDefinition newer =
        cluster
            .client()
            .apiextensions()
            .v1()
            .customResourceDefinitions()
            .withName("safefinetunes.safegrad.io")
            .get();
    JSONSchemaProps spec =
        newer
            .getSpec()
            .getVersions()
            .get(0)
            .getSchema()
            .getOpenAPIV3Schema()
            .getProperties()
            .get("spec");
    spec.getProperties()
        .put("fieldOfTomorrow", new JSONSchemaPropsBuilder().withType("string").build());
    List<JsonNode> methods =
        spec.getProperties().get("method").getProperties().get("name").getEnum();
    methods.add(TextNode.valueOf("MethodOfTomorrow"));
    newer.getMetadata().setManagedFields(null);
    newer.getMetadata().setResourceVersion(null);
    cluster.client().resource(newer).forceConflicts().serverSideApply();
    try {
      TestRun unknownField = new TestRun(cluster);
      TestRun.awaitUntil(
          "the newer schema",
          () -> {
            unknownField.create("fieldOfTomorrow: x");
            GenericKubernetesResource stored = unknownField.raw();
            if (stored.getAdditionalProperties().get("spec") instanceof Map<?, ?> map
                && map.containsKey("fieldOfTomorrow")) {
              return true;
            }
            unknownField.resource().delete();
            return false;
          });
      unknownField.awaitPhase(Phase.Queued);
      TestRun unknownValue = new TestRun(cluster).create("method: {name: MethodOfTomorrow}");
      unknownValue.awaitCondition("Accepted", "InvalidSpec");
      assertThat(unknownValue.condition("Accepted").getMessage())
          .startsWith(
              "spec.method.name holds a value that this version of the operator does not know, or none");
      new TestRun(cluster).create().awaitPhase(Phase.Queued);
      unknownValue.resource().delete();
    } finally {
      cluster.applyCrds();
    }
  }

  @Test
  void noFailureIsLoggedAsAStackTrace() {
    TestRun run =
        new TestRun(cluster)
            .create("pod: {resources: {requests: {cpu: \"4\"}, limits: {cpu: \"2\"}}}");
    run.awaitCondition("Accepted", "InvalidPod");
    assertThat(cluster.operator().logLines())
        .anySatisfy(line -> assertThat(line).contains(run.namespace(), "InvalidPod"))
        .noneSatisfy(line -> assertThat(line).startsWith("\tat "));
  }
}
