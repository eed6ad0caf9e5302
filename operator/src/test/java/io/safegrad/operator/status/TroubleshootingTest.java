package io.safegrad.operator.status;

import static org.assertj.core.api.Assertions.assertThat;

import io.safegrad.api.ExitReason;
import io.safegrad.api.v1alpha1.ConditionReason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** docs/troubleshooting.md has a row for each reason and for each exit code. */
class TroubleshootingTest {

  private static final Pattern REASON = Pattern.compile("`([A-Z][A-Za-z]+)`");

  /** Kubernetes' own, which the operator passes on. */
  private static final Set<String> OF_KUBERNETES =
      Set.of(
          "FailedCreate",
          "Unschedulable",
          "ErrImagePull",
          "ImagePullBackOff",
          "CreateContainerConfigError",
          "BackoffLimitExceeded");

  @Test
  void eachReasonHasItsRowOnce() throws IOException {
    List<String> found = new ArrayList<>();
    for (String row : rows()) {
      String[] cells = row.split("\\|");
      Matcher reason = REASON.matcher(cells[1].matches(" \\d+ ") ? cells[2] : cells[1]);
      while (reason.find()) {
        found.add(reason.group(1));
      }
    }
    Set<String> expected = new TreeSet<>(OF_KUBERNETES);
    for (ConditionReason reason : ConditionReason.values()) {
      expected.add(reason.name());
    }
    for (ExitReason reason : ExitReason.values()) {
      expected.add(reason.conditionReason());
    }
    assertThat(found).doesNotHaveDuplicates().containsExactlyInAnyOrderElementsOf(expected);
  }

  @Test
  void eachExitCodeStandsBesideItsReason() throws IOException {
    List<String> rows = rows();
    for (ExitReason reason : ExitReason.values()) {
      assertThat(rows)
          .anyMatch(
              row ->
                  row.startsWith(
                      "| %d | `%s` |".formatted(reason.code(), reason.conditionReason())));
    }
  }

  private static List<String> rows() throws IOException {
    return Files.readAllLines(Path.of("../docs/troubleshooting.md")).stream()
        .filter(line -> line.startsWith("| ") && line.contains("`"))
        .toList();
  }
}
