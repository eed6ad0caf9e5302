package io.safegrad.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.safegrad.controlplane.ControlPlaneBinaries;
import io.safegrad.controlplane.FileTree;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The example repository of deploy/gitops, applied as a GitOps tool applies it. */
class GitOpsIT {

  private static final Path FOLDER = Path.of("target", "gitops").toAbsolutePath();
  private static final Path REPOSITORY = Path.of("..", "..").toAbsolutePath().normalize();
  private static final Path EXAMPLE = REPOSITORY.resolve("deploy/gitops/example");
  private static final String TENANT = "--as=system:serviceaccount:team-a:gitops";

  private static LocalCluster cluster;

  private record Result(int exitCode, String output) {}

  @BeforeAll
  static void start() throws IOException {
    FileTree.delete(FOLDER);
    cluster =
        LocalCluster.start(
            ControlPlaneBinaries.resolve(System.out::println),
            FOLDER,
            new Repository(REPOSITORY),
            System.out::println);
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  @Test
  void policiesOfThePlatformAndRunsOfATenantLiveInOneRepository() throws IOException {
    String platform = EXAMPLE.resolve("platform").toString();
    String team = EXAMPLE.resolve("teams/team-a").toString();

    assertThat(succeeds("apply", "--server-side", "-k", platform))
        .contains("namespace/team-a", "safetypolicy.safegrad.io/platform");
    cluster.createNamespaceWithClaim("team-a", "adapters");
    Result own = kubectl("apply", "--server-side", "-k", platform, TENANT);
    assertThat(own.exitCode()).as("a tenant cannot write policies").isNotZero();
    assertThat(own.output()).contains("cannot patch resource \"safetypolicies\"");

    assertThat(succeeds("apply", "--server-side", "-k", team, TENANT)).contains("support-bot-1");
    assertNoDifference(platform, team);
    succeeds(
        "wait",
        "sft/support-bot-1",
        "-n",
        "team-a",
        "--for=condition=Ready",
        "--timeout=180s",
        TENANT);
    assertNoDifference(platform, team);
    assertThat(cluster.claimFolder("adapters").resolve("support-bot-1")).isNotEmptyDirectory();

    Path changed = Files.createDirectory(FOLDER.resolve("changed"));
    Files.copy(
        EXAMPLE.resolve("teams/team-a/kustomization.yaml"), changed.resolve("kustomization.yaml"));
    String manifest = Files.readString(EXAMPLE.resolve("teams/team-a/support-bot-1.yaml"));
    Files.writeString(
        changed.resolve("support-bot-1.yaml"), manifest.replace("maxSteps: 40", "maxSteps: 50"));
    Result refused = kubectl("apply", "--server-side", "-k", changed.toString(), TENANT);
    assertThat(refused.exitCode()).isNotZero();
    assertThat(refused.output())
        .contains("training cannot be changed once the run has started", "create a new one");
    Files.writeString(
        changed.resolve("support-bot-1.yaml"),
        manifest.replace("maxSteps: 40", "maxSteps: 50").replace("support-bot-1", "support-bot-2"));
    assertThat(succeeds("apply", "--server-side", "-k", changed.toString(), TENANT))
        .contains("support-bot-2");

    // What pruning does with a file that is gone.
    succeeds("delete", "-k", team, TENANT);
    assertThat(succeeds("get", "sft", "-n", "team-a", "-o", "name", TENANT))
        .isEqualTo("safefinetune.safegrad.io/support-bot-2");
    assertThat(cluster.claimFolder("adapters").resolve("support-bot-1"))
        .as("what was published stays")
        .isNotEmptyDirectory();
  }

  /** kubectl reads an object twice: a status that is written in between looks like a difference. */
  private static void assertNoDifference(String platform, String team) {
    await()
        .atMost(Duration.ofSeconds(30))
        .untilAsserted(
            () -> {
              assertThat(succeeds("diff", "--server-side", "-k", platform)).isEmpty();
              assertThat(succeeds("diff", "--server-side", "-k", team, TENANT)).isEmpty();
            });
  }

  private static String succeeds(String... arguments) throws IOException {
    Result result = kubectl(arguments);
    assertThat(result.exitCode()).as(result.output()).isZero();
    return result.output();
  }

  private static Result kubectl(String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of(cluster.kubectl().toString()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("KUBECONFIG", cluster.kubeconfig().toString());
    Process process = builder.start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Result(process.onExit().join().exitValue(), output.strip());
  }
}
