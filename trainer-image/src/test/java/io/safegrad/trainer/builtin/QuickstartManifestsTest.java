package io.safegrad.trainer.builtin;

import static org.assertj.core.api.Assertions.assertThat;

import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.SafeFineTuneSpec;
import org.junit.jupiter.api.Test;

class QuickstartManifestsTest {

  private final SafeFineTuneSpec safeGrad = QuickstartManifests.safeGrad().getSpec();
  private final SafeFineTuneSpec sft = QuickstartManifests.sft().getSpec();

  @Test
  void theTwinsDifferInTheMethodAndTheDestinationOnly() {
    assertThat(safeGrad.method().name()).isEqualTo(Method.Name.SafeGrad);
    assertThat(sft.method().name()).isEqualTo(Method.Name.Sft);
    assertThat(sft.model()).isEqualTo(safeGrad.model());
    assertThat(sft.dataset()).isEqualTo(safeGrad.dataset());
    assertThat(sft.training()).isEqualTo(safeGrad.training());
    assertThat(sft.safety()).isEqualTo(safeGrad.safety());
  }
}
