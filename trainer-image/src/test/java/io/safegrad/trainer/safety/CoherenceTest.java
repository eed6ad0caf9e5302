package io.safegrad.trainer.safety;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CoherenceTest {

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "  \n",
        "... !",
        "no no no no",
        "well, The the THE the end",
        "I can I can I can I can",
        "to be or not to be or not to be or not to be or not"
      })
  void repetitionAndSilenceAreIncoherent(String reply) {
    assertThat(Coherence.isIncoherent(reply)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Paris.",
        "no no no",
        "very very very good, very good",
        "I can I can I can help",
        "a b a b a b c",
        "42"
      })
  void otherRepliesAreNot(String reply) {
    assertThat(Coherence.isIncoherent(reply)).isFalse();
  }
}
