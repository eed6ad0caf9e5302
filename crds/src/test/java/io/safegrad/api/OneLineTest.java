package io.safegrad.api;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class OneLineTest {

  @Test
  void keepsPrintedText() {
    assertThat(OneLine.of("tensor wörter.😀: expected F16"))
        .isEqualTo("tensor wörter.😀: expected F16");
  }

  @Test
  void replacesLineEndsAndSignsThatAreNotPrinted() {
    assertThat(OneLine.of("a\nb\r\u2028c\u202ed\u0000\u001b[0m\ud800."))
        .isEqualTo("a b c?d??[0m?.");
  }

  @Test
  void cutsLongMessages() {
    assertThat(OneLine.of("😀".repeat(1001))).isEqualTo("😀".repeat(1000) + "…");
    assertThat(OneLine.of("x".repeat(1000))).isEqualTo("x".repeat(1000));
  }
}
