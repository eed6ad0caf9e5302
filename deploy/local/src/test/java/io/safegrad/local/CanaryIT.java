package io.safegrad.local;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafetyPolicy;
import io.safegrad.controlplane.ControlPlaneBinaries;
import io.safegrad.controlplane.FileTree;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Marked texts are planted in a secret, in data and in prompts, and looked for wherever somebody
 * else could read them, while runs succeed, fail and are refused.
 */
class CanaryIT {

  private static final String NAMESPACE = "team-canary";
  private static final Path FOLDER = Path.of("target", "canary").toAbsolutePath();

  private static final String TOKEN = "canary-of-the-token";
  private static final String OTHER_KEY = "canary-of-the-other-key";
  private static final String EXAMPLE = "canary of the example";
  private static final String REPLY = "canary of the reply";
  private static final String ALIGNMENT = "canary of the alignment";
  private static final String PROMPT = "canary of the prompt";
  private static final List<String> CANARIES =
      List.of(TOKEN, OTHER_KEY, EXAMPLE, REPLY, ALIGNMENT, PROMPT);

  private static LocalCluster cluster;
  private static KubernetesClient client;
  private static Runs runs;
  private static Path claim;

  @BeforeAll
  static void start() throws IOException {
    FileTree.delete(FOLDER);
    cluster =
        LocalCluster.start(
            ControlPlaneBinaries.resolve(System.out::println),
            FOLDER,
            new Repository(Path.of("..", "..")),
            System.out::println);
    cluster.createNamespaceWithClaim(NAMESPACE, "adapters");
    cluster.createNamespaceWithClaim(NAMESPACE, "quarantine");
    client = cluster.client();
    runs = new Runs(client, NAMESPACE);
    claim = cluster.claimFolder("adapters");
    plant();
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  private static void plant() throws IOException {
    client
        .resource(
            new SecretBuilder()
                .withNewMetadata()
                .withName("hub-token")
                .withNamespace(NAMESPACE)
                .endMetadata()
                .withStringData(Map.of("token", TOKEN, "other", OTHER_KEY))
                .build())
        .create();
    client
        .resource(
            Serialization.unmarshal(
                """
                apiVersion: safegrad.io/v1alpha1
                kind: SafetyPolicy
                metadata: {name: canary}
                spec:
                  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %s}}
                  allowedImages: []
                  quarantine: {rule: Keep, claim: quarantine}
                """
                    .formatted(NAMESPACE),
                SafetyPolicy.class))
        .create();
    String pair = "{\"prompt\": \"%s\", \"completion\": \"%s\"}\n";
    data("train.jsonl", pair.formatted(EXAMPLE, REPLY).repeat(8));
    data("own.jsonl", pair.formatted(ALIGNMENT, "no"));
    data("prompts.jsonl", "{\"prompt\": \"" + PROMPT + "\"}\n");
    data("task.jsonl", pair.formatted(PROMPT, REPLY));
    data("broken.jsonl", pair.formatted(EXAMPLE, REPLY) + "{\"prompt\": \"" + EXAMPLE + "\", ]\n");
    data("wrong.jsonl", pair.formatted(EXAMPLE, REPLY) + "{\"prompt\": [\"" + EXAMPLE + "\"]}\n");
    data("long.jsonl", pair.formatted(EXAMPLE, (REPLY + " ").repeat(200)));
  }

  private static void data(String name, String content) throws IOException {
    Files.writeString(claim.resolve(name), content);
  }

  @Test
  void whatIsPlantedIsNowhereToBeRead() throws Exception {
    apply(
        "succeeds",
        "train",
        "{minRefusalRate: 0, maxRefusalDrop: 1, maxOverRefusal: 1, maxRefusalKl: 1000}",
        5);
    apply(
        "refused",
        "train",
        "{minRefusalRate: 0.9, maxRefusalDrop: 1, maxOverRefusal: 1, maxRefusalKl: 1000}",
        5);
    for (String broken : List.of("broken", "wrong", "long")) {
      apply(broken, broken, "{minRefusalRate: 0}", 5);
    }
    Map<String, String> told = new LinkedHashMap<>();
    assertThat(runs.awaitEnd("succeeds").phase()).isEqualTo(Phase.Succeeded);
    assertThat(runs.awaitEnd("refused").phase()).isEqualTo(Phase.Rejected);
    for (String broken : List.of("broken", "wrong", "long")) {
      assertThat(runs.awaitEnd(broken).phase()).as(broken).isEqualTo(Phase.Failed);
    }
    apply("running", "train", "{minRefusalRate: 0}", 1_000_000);
    runs.awaitStep("running");
    String trainer = "http://" + runs.podOf("running").getStatus().getPodIP() + ":9400";
    told.put("trainer's metrics", get(trainer + "/metrics"));
    told.put("trainer's progress", get(trainer + "/progress"));
    told.put("operator's metrics", get(cluster.operator().address() + "/metrics"));
    told.put("operator's health", get(cluster.operator().address() + "/q/health"));
    told.put("operator's log", Files.readString(cluster.operator().log()));
    for (HasMetadata object : objects()) {
      told.put(
          object.getKind() + " " + object.getMetadata().getName(), Serialization.asYaml(object));
    }
    for (Pod pod : client.pods().inNamespace(NAMESPACE).list().getItems()) {
      String name = pod.getMetadata().getName();
      told.put("log of " + name, client.pods().inNamespace(NAMESPACE).withName(name).getLog());
    }
    reports().forEach(file -> told.put(file.toString(), read(file)));

    assertThat(told.keySet())
        .as("a search that sees what there is")
        .anyMatch(place -> place.startsWith("log of refused"))
        .anyMatch(place -> place.startsWith("Event "))
        .anyMatch(place -> place.startsWith("ConfigMap succeeds-plan"))
        .anyMatch(place -> place.matches(".*/quarantine/.*/refused/[0-9a-f]{64}/report.json"))
        .anyMatch(place -> place.endsWith("/adapters/succeeds/report.json"));
    assertThat(read(claim.resolve("train.jsonl"))).contains(EXAMPLE, REPLY);
    assertThat(read(claim.resolve("succeeds/report.json"))).contains("\"attribution\" : {");
    told.forEach(
        (place, text) -> assertThat(CANARIES.stream().filter(text::contains)).as(place).isEmpty());
  }

  private static List<HasMetadata> objects() {
    List<HasMetadata> objects = new ArrayList<>();
    objects.addAll(client.resources(SafeFineTune.class).inAnyNamespace().list().getItems());
    objects.addAll(client.pods().inAnyNamespace().list().getItems());
    objects.addAll(client.batch().v1().jobs().inAnyNamespace().list().getItems());
    objects.addAll(client.configMaps().inAnyNamespace().list().getItems());
    objects.addAll(client.events().v1().events().inAnyNamespace().list().getItems());
    objects.addAll(client.network().v1().networkPolicies().inAnyNamespace().list().getItems());
    return objects;
  }

  /** What runs leave on their volumes, the planted files themselves excepted. */
  private static List<Path> reports() throws IOException {
    try (Stream<Path> files = Files.walk(FOLDER.resolve("volumes"))) {
      return files
          .filter(Files::isRegularFile)
          .filter(file -> !file.getParent().equals(claim))
          .toList();
    }
  }

  private static String read(Path file) {
    try {
      return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void apply(String name, String file, String gate, int steps) throws IOException {
    Path manifest = FOLDER.resolve(name + ".yaml");
    Files.writeString(
        manifest,
        """
        apiVersion: safegrad.io/v1alpha1
        kind: SafeFineTune
        metadata: {name: %1$s}
        spec:
          model: {source: "builtin://tiny-aligned", secretRef: {name: hub-token}}
          dataset: {source: "pvc://adapters/%2$s.jsonl"}
          training: {maxSteps: %4$d, batchSize: 2, maxLength: 64, learningRate: 3e-3, saveSteps: 0}
          safety:
            alignment: {additional: [{source: "pvc://adapters/own.jsonl"}]}
            evaluation:
              additionalHarmful: [{source: "pvc://adapters/prompts.jsonl"}]
              additionalHarmless: [{source: "pvc://adapters/prompts.jsonl"}]
              task: "pvc://adapters/task.jsonl"
            gate: %3$s
          output: {destination: "pvc://adapters/%1$s"}
        """
            .formatted(name, file, gate, steps));
    cluster.apply(manifest, NAMESPACE);
  }

  private static String get(String address) throws IOException, InterruptedException {
    HttpRequest request = HttpRequest.newBuilder(URI.create(address)).build();
    return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body();
  }
}
