package io.safegrad.operator.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.api.model.rbac.ClusterRole;
import io.fabric8.kubernetes.api.model.rbac.PolicyRule;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * The operator's ClusterRole against what the API server noted of its requests: those of this test,
 * which leads a run through all that the operator does, and of every test before it.
 */
@ExtendWith(Cluster.Extension.class)
@Order(Integer.MAX_VALUE)
class RoleIT {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int CREATED = 201;

  private final Cluster cluster;

  RoleIT(Cluster cluster) {
    this.cluster = cluster;
  }

  @Test
  void theOperatorUsesEachOfItsRightsAndMissesNone() throws Exception {
    try (Platform platform = new Platform(cluster)) {
      platform.install("safety-policy.yaml");
      Map<String, String> labels = Platform.labels();
      platform.policy("any", labels, "requiredMethod: SafeGrad");
      TestRun run =
          new TestRun(cluster, labels)
              .create(
                  "activeDeadlineSeconds: 600",
                  "ttlSecondsAfterFinished: 0",
                  "ttlPolicy: DeleteResource");
      new FakeNode(cluster.client()).ends(run.awaitPod(), 0, Results.success(run.planDigest(), 50));
      TestRun.awaitUntil("the removal", () -> run.resource().get() == null);
      Set<String> granted = granted();
      TestRun.awaitUntil(
          "the use of every right, beyond " + used(), () -> used().containsAll(granted));
    }
    assertThat(requests().stream().filter(RoleIT::isRefused).map(RoleIT::shown)).isEmpty();
  }

  /** Every right of the role, as group/resource verb. */
  private Set<String> granted() {
    ClusterRole role = cluster.client().rbac().clusterRoles().withName("safegrad-operator").get();
    Set<String> rights = new TreeSet<>();
    for (PolicyRule rule : role.getRules()) {
      for (String group : rule.getApiGroups().stream().filter(this::isServed).toList()) {
        for (String resource : rule.getResources()) {
          rule.getVerbs().forEach(verb -> rights.add(group + "/" + resource + " " + verb));
        }
      }
    }
    assertThat(rights).noneMatch(right -> right.contains("*")).hasSizeGreaterThan(20);
    return rights;
  }

  /** A right that only matters beside another operator cannot be used where that one is not. */
  private boolean isServed(String group) {
    return group.isEmpty() || cluster.client().hasApiGroup(group, true);
  }

  private Set<String> used() {
    Set<String> rights = new TreeSet<>();
    for (JsonNode request : requests()) {
      JsonNode object = request.path("objectRef");
      String subresource = object.path("subresource").asText();
      String resource =
          object.path("apiGroup").asText()
              + "/"
              + object.path("resource").asText()
              + (subresource.isEmpty() ? "" : "/" + subresource)
              + " ";
      rights.add(resource + request.path("verb").asText());
      // An apply that makes something new is asked for the right to create, too.
      if (request.at("/responseStatus/code").asInt() == CREATED) {
        rights.add(resource + "create");
      }
    }
    return rights;
  }

  private static boolean isRefused(JsonNode request) {
    return request
        .path("annotations")
        .path("authorization.k8s.io/decision")
        .asText()
        .equals("forbid");
  }

  private static String shown(JsonNode request) {
    return request.path("verb").asText() + " " + request.path("requestURI").asText();
  }

  private List<JsonNode> requests() {
    try {
      return Files.readAllLines(cluster.auditLog()).stream()
          .map(RoleIT::parse)
          .collect(Collectors.toList());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The newest line may not be whole yet. */
  private static JsonNode parse(String line) {
    try {
      return JSON.readTree(line);
    } catch (IOException e) {
      return JSON.createObjectNode();
    }
  }
}
