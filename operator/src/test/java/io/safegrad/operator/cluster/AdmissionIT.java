package io.safegrad.operator.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The operator knows whether admission is in force, and says so. */
@ExtendWith(Cluster.Extension.class)
class AdmissionIT {

  private static final String POLICY = "safegrad-safety-policy";
  private static final String OBJECTS = "safegrad-trainer-objects";
  private static final String QUARANTINE = "safegrad-quarantine";

  private final Cluster cluster;
  private final Platform platform;

  AdmissionIT(Cluster cluster) {
    this.cluster = cluster;
    this.platform = new Platform(cluster);
  }

  @AfterEach
  void tearDown() {
    platform.close();
    awaitHealth("there is no ValidatingAdmissionPolicy of this name");
  }

  @Test
  void whatIsInForceIsToldAndSoIsWhatIsNoLonger() throws Exception {
    awaitInForce(POLICY, 0);
    awaitHealth("there is no ValidatingAdmissionPolicy of this name");
    assertThat(health()).contains("\"status\": \"UP\"");

    platform.install("safety-policy.yaml");
    platform.install("trainer-objects.yaml");
    platform.install("quarantine.yaml");
    Map<String, String> labels = Platform.labels();
    platform.policy("strict", labels, "requiredMethod: SafeGrad");
    new TestRun(cluster, labels);
    awaitInForce(POLICY, 1);
    awaitInForce(OBJECTS, 1);
    awaitInForce(QUARANTINE, 1);
    awaitHealth("\"safegrad-safety-policy\": \"what it forbids is refused\"");
    awaitHealth("\"inForce\": true");

    // Installed, bound, and still letting everything through.
    patch(
        "validatingadmissionpolicy",
        POLICY,
        "{\"spec\": {\"matchConditions\": [{\"name\": \"never\", \"expression\": \"false\"}]}}");
    awaitInForce(POLICY, 0);
    awaitHealth("what it forbids was taken (in a dry run)");
    assertThat(cluster.operator().log())
        .contains("Admission safegrad-safety-policy is not in force: installed and bound, but");

    patch(
        "validatingadmissionpolicybinding",
        OBJECTS,
        "{\"spec\": {\"validationActions\": [\"Audit\"]}}");
    awaitInForce(OBJECTS, 0);
    awaitHealth("its binding does not deny");

    patch("validatingadmissionpolicy", QUARANTINE, "{\"spec\": {\"failurePolicy\": \"Ignore\"}}");
    awaitInForce(QUARANTINE, 0);
    awaitHealth("its failurePolicy is Ignore");
  }

  private void patch(String kind, String name, String json) throws Exception {
    KubectlResult result = cluster.kubectl("patch", kind, name, "--type=merge", "-p", json);
    assertThat(result.exitCode()).as(result.output()).isZero();
  }

  private void awaitInForce(String policy, int value) {
    TestRun.awaitUntil(
        policy + " " + value,
        () ->
            cluster
                .operator()
                .get("/metrics")
                .lines()
                .anyMatch(
                    line ->
                        line.startsWith(
                                "safegrad_admission_in_force{policy=\"%s\"".formatted(policy))
                            && line.endsWith(" " + value + ".0")));
  }

  private void awaitHealth(String text) {
    TestRun.awaitUntil(text, () -> health().contains(text));
  }

  private String health() throws Exception {
    return cluster.operator().get("/q/health/ready");
  }
}
