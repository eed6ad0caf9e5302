package io.safegrad.operator;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.rbac.ClusterRole;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The chart's ClusterRole is written by {@code -Dtest=OperatorRightTest -Drole.write=true}. */
class OperatorRightTest {

  private static final Path FILE = Path.of("../deploy/helm/files/clusterrole.yaml");

  private static final String HEAD =
      """
      # All that the operator may do, written from OperatorRight.java (CONTRIBUTING.md has the command).
      apiVersion: rbac.authorization.k8s.io/v1
      kind: ClusterRole
      metadata:
        name: safegrad-operator
      rules:
      """;

  @Test
  void theCommittedRoleIsTheOneInTheSource() throws IOException {
    if (Boolean.getBoolean("role.write")) {
      Files.writeString(FILE, yaml());
    }
    assertThat(FILE).hasContent(yaml());
    ClusterRole role = Serialization.unmarshal(yaml(), ClusterRole.class);
    assertThat(role.getRules())
        .hasSize(OperatorRight.values().length)
        .allSatisfy(rule -> assertThat(rule.getVerbs()).isNotEmpty());
  }

  /** What would let the operator read secrets, or make itself or others mightier. */
  @Test
  void noRightIsOneTooMuch() {
    for (OperatorRight right : OperatorRight.values()) {
      assertThat(right.verbs())
          .doesNotContain("*", "impersonate", "bind", "escalate", "deletecollection")
          .doesNotHaveDuplicates();
      assertThat(right.resources())
          .noneMatch(one -> one.contains("*") || one.startsWith("secrets"))
          .doesNotContain("pods/exec", "serviceaccounts/token");
      assertThat(right.group()).doesNotContain("*", "rbac.");
    }
  }

  private static String yaml() {
    return HEAD
        + Arrays.stream(OperatorRight.values())
            .map(OperatorRightTest::rule)
            .collect(Collectors.joining());
  }

  private static String rule(OperatorRight right) {
    String names =
        right.names().isEmpty() ? "" : "  resourceNames: %s\n".formatted(list(right.names()));
    return """
    # %s
    - apiGroups: [%s]
      resources: %s
    %s  verbs: %s
    """
        .formatted(
            right.purpose(),
            right.group().isEmpty() ? "\"\"" : right.group(),
            list(right.resources()),
            names,
            list(right.verbs()));
  }

  private static String list(List<String> items) {
    return "[" + String.join(", ", items) + "]";
  }
}
