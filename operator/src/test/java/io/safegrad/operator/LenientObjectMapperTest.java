package io.safegrad.operator;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import io.safegrad.api.v1alpha1.SafeFineTune;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** One resource that cannot be read ends the watch of all. */
class LenientObjectMapperTest {

  private static final String MANIFEST =
      """
      {"apiVersion": "safegrad.io/v1alpha1", "kind": "SafeFineTune", "metadata": {"name": "a"},
       "spec": {"ttlSecondsAfterFinished": %1$s, "activeDeadlineSeconds": %1$s,
                "pod": {"affinity": {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution":
                        [{"weight": %1$s, "podAffinityTerm": {"topologyKey": "zone"}}]}}}}}
      """;

  private final KubernetesSerialization serialization;

  LenientObjectMapperTest() {
    ObjectMapper mapper = new ObjectMapper();
    serialization = new KubernetesSerialization(mapper, true);
    new LenientObjectMapper().customize(mapper);
  }

  @ParameterizedTest
  @ValueSource(strings = {"2147483648", "9223372036854775807"})
  void aNumberBeyondItsTypeIsItsLargest(String number) {
    SafeFineTune listed = serialization.unmarshal(MANIFEST.formatted(number), SafeFineTune.class);
    SafeFineTune watched =
        serialization.convertValue(
            serialization.unmarshal(MANIFEST.formatted(number), Map.class), SafeFineTune.class);
    for (SafeFineTune read : new SafeFineTune[] {listed, watched}) {
      assertThat(read.getSpec().ttlSecondsAfterFinished()).isEqualTo(Integer.MAX_VALUE);
      assertThat(
              read.getSpec()
                  .pod()
                  .affinity()
                  .getPodAffinity()
                  .getPreferredDuringSchedulingIgnoredDuringExecution()
                  .get(0)
                  .getWeight())
          .isEqualTo(Integer.MAX_VALUE);
    }
  }

  @Test
  void soIsOneBelowIt() {
    assertThat(
            serialization
                .unmarshal(MANIFEST.formatted("-99999999999"), SafeFineTune.class)
                .getSpec()
                .ttlSecondsAfterFinished())
        .isEqualTo(Integer.MIN_VALUE);
  }
}
