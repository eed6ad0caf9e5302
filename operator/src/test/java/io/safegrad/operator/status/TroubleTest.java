package io.safegrad.operator.status;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.StatusBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.javaoperatorsdk.operator.AggregatedOperatorException;
import io.safegrad.operator.plan.PlanException;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TroubleTest {

  @Test
  void aFailedWorkflowIsOneSentence() {
    Exception refused = refused(422, "Job.batch \"x\" is invalid: spec: Required value");
    Trouble trouble =
        Trouble.of(
            new AggregatedOperatorException(
                "Exception(s) during workflow execution.",
                Map.of("job", new RuntimeException("wrapped", refused))));
    assertThat(trouble)
        .isEqualTo(
            new Trouble("InvalidPod", "Job.batch \"x\" is invalid: spec: Required value", true));
  }

  @Test
  void whatMayPassIsTriedAgain() {
    assertThat(Trouble.of(refused(403, "exceeded quota")).lasting()).isFalse();
    assertThat(Trouble.of(refused(503, "away")))
        .isEqualTo(new Trouble("ApiServerError", "away", false));
    assertThat(Trouble.of(new IllegalStateException("odd\nthing")))
        .isEqualTo(new Trouble("OperatorError", "IllegalStateException: odd thing", false));
  }

  @Test
  void aConflictIsKnownThroughItsWrapping() {
    assertThat(Trouble.isConflict(new RuntimeException(refused(409, "modified")))).isTrue();
    assertThat(Trouble.isConflict(refused(422, "invalid"))).isFalse();
  }

  @Test
  void whatIsNotServedIsNoMissingObject() {
    assertThat(Trouble.isUnserved(new RuntimeException(refused(404, "Not Found")))).isTrue();
    assertThat(Trouble.isUnserved(refused(503, "away"))).isFalse();
    assertThat(
            Trouble.isUnserved(
                new KubernetesClientException(
                    new StatusBuilder()
                        .withCode(404)
                        .withNewDetails()
                        .withName("run")
                        .endDetails()
                        .build())))
        .isFalse();
  }

  @Test
  void aSpecThatNoPlanCanBeMadeOfIsForItsUserToEdit() {
    assertThat(Trouble.of(new PlanException("field x")))
        .isEqualTo(new Trouble("InvalidSpec", "field x", true));
  }

  private static KubernetesClientException refused(int code, String message) {
    return new KubernetesClientException(
        new StatusBuilder().withCode(code).withMessage(message).build());
  }
}
