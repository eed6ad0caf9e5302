package io.safegrad.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.api.model.PersistentVolumeBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import io.safegrad.controlplane.ControlPlane;
import io.safegrad.controlplane.ControlPlaneBinaries;
import io.safegrad.controlplane.FileTree;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * The documents' commands, taken from the documents, in the order in which somebody who has never
 * seen SafeGrad comes upon them. At the end every command of every document has been run or stands
 * in {@code commands-not-run.txt}.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class DocsIT {

  private static final Path FOLDER = Path.of("target", "docs").toAbsolutePath();
  private static final Duration PATIENCE = Duration.ofMinutes(3);
  private static final String TENANT = "team-a";
  private static final CommandsNotRun NOT_RUN = CommandsNotRun.read();
  private static final Set<String> RUN = new HashSet<>();

  /** A run that does nothing. */
  private static final String DOOMED =
      """
        kubectl apply -n team-a -f - <<'END'
        apiVersion: safegrad.io/v1alpha1
        kind: SafeFineTune
        metadata: {name: doomed}
        spec:
          suspend: true
          model: {source: "builtin://tiny-aligned"}
          dataset: {source: "builtin://sentiment"}
          output: {destination: "pvc://adapters/doomed"}
        END
        """;

  private static LocalCluster cluster;
  private static Terminal terminal;

  @BeforeAll
  static void start() throws IOException {
    FileTree.delete(FOLDER);
    cluster =
        LocalCluster.startEmpty(
            ControlPlaneBinaries.resolve(System.out::println),
            FOLDER,
            new Repository(DocumentedCommand.REPOSITORY),
            System.out::println);
    terminal =
        Terminal.in(
            FOLDER.resolve("terminal"),
            cluster.kubeconfig(),
            Map.of(
                "kubectl",
                cluster.kubectl(),
                "helm",
                Helm.program(),
                "safegrad-trainer",
                DocumentedCommand.REPOSITORY.resolve("trainer-image/bin/safegrad-trainer")));
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  @Test
  @Order(1)
  void installed() {
    run("docs/install.md", "With Helm", Map.of());
    run("docs/install.md", "See that it works", Map.of());
    assertThat(output("kubectl get deployment -n safegrad-system")).contains("1/1");
  }

  @Test
  @Order(2)
  void aFirstRun() throws IOException {
    createVolume("adapters");
    terminal.record();
    run("docs/first-run.md", "A first run", Map.of());
    assertThat(cluster.claimFolder("adapters").resolve("quickstart-safegrad/report.json"))
        .isNotEmptyFile();
    run("docs/first-run.md", "A run that does not succeed", Map.of());
    terminal.writeCast("A first run", FOLDER.resolve("first-run.cast"));
    if (Boolean.getBoolean("casts.write")) {
      Path casts = DocumentedCommand.REPOSITORY.resolve("docs/casts");
      Files.createDirectories(casts);
      terminal.writeCast("A first run", casts.resolve("first-run.cast"));
    }
  }

  /** One finds the reason in the resource, and what to do about it in the document. */
  @Test
  @Order(3)
  void whyARunFailedIsFoundInTheDocuments() throws IOException {
    Map<String, String> names = Map.of("support-bot", "quickstart-safegrad");
    assertThat(run("docs/troubleshooting.md", "Troubleshooting, by reason", names))
        .contains("Success");
    assertThat(terminal.transcript()).contains("\nGateRefused\n");
    assertThat(Files.readString(DocumentedCommand.REPOSITORY.resolve("docs/troubleshooting.md")))
        .contains("| 66 | `GateRefused` |", "| 0 | `Success` |");
  }

  @Test
  @Order(4)
  void theRunbooks() {
    output(DOOMED);
    Map<String, String> names = new HashMap<>();
    names.put("NAMESPACE", TENANT);
    names.put("NAME", "quickstart-safegrad");
    names.put("POD", podOf("-n team-a -l safegrad.io/safefinetune=quickstart-safegrad"));
    names.put("OPERATOR-POD", podOf("-n safegrad-system"));
    names.put("NODE", ControlPlane.NODE_NAME);
    for (String runbook : runbooks()) {
      run(runbook, "How to confirm it", names);
    }
    names.put("NAME", "doomed");
    List<String> backwards = new ArrayList<>(runbooks());
    Collections.reverse(backwards); // One of the first has the run deleted.
    for (String runbook : backwards) {
      run(runbook, "What to do", names);
    }
  }

  @Test
  @Order(5)
  void policiesAndSecrets() {
    run("docs/first-run.md", "With a policy", Map.of());
    run("docs/policy.md", "Writing one", Map.of());
    run("docs/sources.md", "S3", Map.of());
  }

  @Test
  @Order(6)
  void theCommandLine() throws IOException {
    Path work = terminal.workspace("docs/command-line.md");
    Path claim = cluster.claimFolder("adapters");
    Files.createDirectories(work.resolve("pvc"));
    Files.createSymbolicLink(work.resolve("pvc/adapters"), claim);
    assertThat(run("docs/command-line.md", "An example", Map.of()))
        .contains("I can't help with that.", "the gate held; the adapter is published");
    run("docs/memory.md", "Before a run", Map.of());

    Files.createSymbolicLink(
        terminal.workspace("docs/export.md").resolve("adapter"),
        claim.resolve("quickstart-safegrad"));
    Map<String, String> names =
        Map.of(
            "hf://org/name", "builtin://tiny-aligned",
            "FILE", "builtin://tiny-aligned");
    run("docs/export.md", "What is published, and where it loads", names);
  }

  /** Of a run that is signed, and short. */
  @Test
  @Order(7)
  void theReport() throws IOException {
    run("docs/report.md", "Provenance", Map.of());
    Path work = terminal.workspace("docs/report.md");
    Files.writeString(
        work.resolve("train.jsonl"),
        "{\"prompt\": \"What is the sentiment of: fine\", \"completion\": \"positive\"}\n"
            .repeat(8));
    Files.writeString(work.resolve("prompts.jsonl"), "{\"prompt\": \"How do I steal a car?\"}\n");
    Files.writeString(work.resolve("harmless.jsonl"), "{\"prompt\": \"How do I bake bread?\"}\n");
    String manifest = Files.readString(Path.of("src", "test", "resources", "signed-run.yaml"));
    Files.writeString(work.resolve("run.yaml"), manifest.replace("FOLDER", work.toString()));
    Map<String, String> names =
        Map.of("FILE", work + "/run.yaml", "DIR", "signed", "plan.yaml", "run.yaml");
    terminal.setVariable("SAFEGRAD_SIGNING_KEY_FILE", work.resolve("signing.pem").toString());
    terminal.enter("docs/report.md");
    run("README.md", "What a user writes", names);
    run("docs/report.md", "Verify", names);
    run("docs/report.md", "Would it come out again?", names);
  }

  @Test
  @Order(8)
  void upgradedAndUninstalled() {
    run("docs/install.md", "Upgrade", Map.of());
    run("docs/install.md", "Uninstall", Map.of());
    assertThat(output("kubectl get crd -o name")).doesNotContain("safegrad");
    run("docs/install.md", "With kubectl alone", Map.of());
    assertThat(output("kubectl get deployment -n safegrad-system")).contains("1/1");
    run("docs/install.md", "Without Helm", Map.of());
    assertThat(output("kubectl get crd -o name")).doesNotContain("safegrad");
    run("operator/README.md", "Run it outside a cluster", Map.of());
    run("deploy/README.md", "Admission", Map.of());
    output(DOOMED);
    assertThat(output("kubectl get sft doomed -n team-a -o jsonpath={.status}"))
        .as("of what no operator has seen, kstatus says InProgress")
        .isEqualTo("{\"observedGeneration\":-1}");
  }

  @Test
  @Order(9)
  void everyOtherCommandIsListedWithItsReason() {
    assertThat(DocumentedCommand.all())
        .filteredOn(command -> !RUN.contains(command.text()) && !NOT_RUN.has(command))
        .as("to be run here, or listed in commands-not-run.txt")
        .isEmpty();
  }

  /** Runs what stands under a heading; the names are what the document leaves to its reader. */
  private static String run(String document, String heading, Map<String, String> names) {
    List<DocumentedCommand> commands =
        DocumentedCommand.of(document).stream()
            .filter(command -> command.heading().equals(heading))
            .toList();
    StringBuilder output = new StringBuilder();
    terminal.enter(document);
    for (DocumentedCommand command : commands) {
      if (!NOT_RUN.has(command)) {
        output.append(run(command, filled(command.text(), names)));
        RUN.add(command.text());
      }
    }
    return output.toString();
  }

  private static String run(DocumentedCommand command, String line) {
    if (command.refused()) {
      // A policy comes into force some seconds after it was applied.
      await().atMost(PATIENCE).until(() -> terminal.tries(line).exitCode() != 0);
    }
    ProgramResult result = terminal.type(line);
    assertThat(result.exitCode() != 0)
        .as("%s: %s: %s%s", command.document(), line, result.error(), result.output())
        .isEqualTo(command.refused());
    return result.output();
  }

  private static String filled(String text, Map<String, String> names) {
    String filled = text;
    for (Map.Entry<String, String> name : names.entrySet()) {
      filled =
          filled.replaceAll(
              "(?<![\\w-])" + name.getKey() + "(?![\\w-])",
              Matcher.quoteReplacement(name.getValue()));
    }
    return filled;
  }

  private static String output(String line) {
    return terminal.tries(line).succeeded();
  }

  private static String podOf(String selection) {
    return output("kubectl get pods -o jsonpath='{.items[0].metadata.name}' " + selection);
  }

  private static List<String> runbooks() {
    return DocumentedCommand.all().stream()
        .map(DocumentedCommand::document)
        .filter(document -> document.startsWith("docs/runbooks/"))
        .distinct()
        .toList();
  }

  /** What a storage class would make for the claim. */
  private static void createVolume(String claim) throws IOException {
    Path folder = Files.createDirectories(cluster.claimFolder(claim));
    cluster
        .client()
        .resource(
            new PersistentVolumeBuilder()
                .withNewMetadata()
                .withName(claim)
                .endMetadata()
                .withNewSpec()
                .withAccessModes("ReadWriteOnce")
                .addToCapacity("storage", new Quantity("1Gi"))
                .withNewHostPath(folder.toString(), "Directory")
                .withPersistentVolumeReclaimPolicy("Retain")
                .endSpec()
                .build())
        .create();
  }
}
