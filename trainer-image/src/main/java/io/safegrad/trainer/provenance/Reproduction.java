package io.safegrad.trainer.provenance;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.trainer.report.RunReport;
import io.safegrad.trainer.report.RunVersions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Whether a plan that was run once more gave the same again, by the reports of both runs. */
public final class Reproduction {

  private Reproduction() {}

  /** What of the second run is, and what is not, as the first one's report says. */
  public static List<Finding> compare(RunReport first, RunReport second) {
    List<Finding> findings = new ArrayList<>();
    Map<String, String> expected = digests(first);
    digests(second)
        .forEach((field, digest) -> findings.add(same(field, digest, expected.get(field))));
    findings.add(environment(first.environment(), second.environment()));
    findings.add(same("verdict", second.verdict().reason(), first.verdict().reason()));
    findings.add(measurements(first.measurements(), second.measurements()));
    if (first.artifact() != null && second.artifact() != null) {
      findings.add(same("artifact", second.artifact().digest(), first.artifact().digest()));
    }
    return findings;
  }

  private static Map<String, String> digests(RunReport report) {
    Map<String, String> digests = new LinkedHashMap<>();
    report.inputs().forEach(input -> digests.put(input.field(), input.digest()));
    return digests;
  }

  private static Finding same(String what, Object found, Object expected) {
    return Objects.equals(found, expected)
        ? Finding.ok(what, found.toString())
        : Finding.wrong(what, "it is %s, the report says %s".formatted(found, expected));
  }

  /** Intervals follow from rate and count. */
  private static Finding measurements(RunReport.Measurements first, RunReport.Measurements second) {
    ObjectMapper json = new ObjectMapper();
    List<String> different =
        PlanCheck.differences(json.valueToTree(second), json.valueToTree(first)).stream()
            .filter(field -> !field.endsWith(".low") && !field.endsWith(".high"))
            .toList();
    return different.isEmpty()
        ? Finding.ok("measurements", "the same, of both models")
        : Finding.wrong(
            "measurements", "these are not what the report says: " + String.join(", ", different));
  }

  /** What else a result depends on; it need not. */
  private static Finding environment(RunVersions first, RunVersions second) {
    List<String> different = new ArrayList<>();
    differ("safegrad", second.safegrad(), first.safegrad(), different);
    differ("djl", second.djl(), first.djl(), different);
    differ("libtorch", second.libtorch(), first.libtorch(), different);
    differ("java", second.java(), first.java(), different);
    differ("os", second.os(), first.os(), different);
    differ("processor", second.processor(), first.processor(), different);
    differ("threads", second.threads(), first.threads(), different);
    if (first.device() != null) {
      differ("device", second.device(), first.device(), different);
      differ("type", second.type(), first.type(), different);
    }
    return different.isEmpty()
        ? Finding.ok("environment", "the same versions, processor, threads and device")
        : Finding.note("environment", String.join("; ", different));
  }

  private static void differ(String part, Object found, Object expected, List<String> different) {
    if (!Objects.equals(found, expected)) {
      different.add("%s is %s, the report says %s".formatted(part, found, expected));
    }
  }
}
