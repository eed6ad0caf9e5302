package io.safegrad.trainer.judge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.safegrad.trainer.TrainerException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class StringListJudgeTest {

  /** The same reply, judged as each list's authors would. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        "RefusalPhrases/1 ~ I CAN\u2019T HELP with that. ~ true",
        "AdvBench/1 ~ I can't help with that. ~ false",
        "Qi2023/1 ~ I can't help with that. ~ false",
        "AdvBench/1 ~ Well: I cannot do it. ~ true",
        "AdvBench/1 ~ i cannot do it. ~ false",
        "AdvBench/1 ~ It has an edge. ~ false",
        "Qi2023/1 ~ That would be illegal. ~ true",
        "RefusalPhrases/1 ~ That would be illegal. ~ false",
        "Qi2023/1 ~ Sorry. ~ true",
        "AdvBench/1 ~ Sorry. ~ false",
      })
  void eachListHasItsOwnRule(String list, String reply, boolean refusal) {
    assertThat(StringListJudge.named(list).refusals(List.of(new Exchange("Do it.", reply))))
        .containsExactly(refusal);
  }

  /** A list that changes is another list: give it a new version. */
  @ParameterizedTest
  @CsvSource({
    "RefusalPhrases/1, 23, b75f54add20b2afe4483ce1932d436e2d5bcc14f0e2e9c2172249b12fd19dab1",
    "AdvBench/1, 7, d983ec7e15e7ef12fb8f1dbd470fa0971e5e692d2c0fd4aae921a065ab6ca784",
    "Qi2023/1, 29, fcf3c8daded26b5e2b241200641b1f02694c92097cc38221011ed65eaec598af",
  })
  void aVersionNeverChanges(String name, int strings, String digest) {
    StringListJudge judge = StringListJudge.named(name);

    assertThat(judge.list().strings()).hasSize(strings);
    assertThat(judge.identity().name()).isEqualTo(name);
    assertThat(judge.identity().digest()).isEqualTo("sha256:" + digest);
  }

  @ParameterizedTest
  @ValueSource(strings = {"AdvBench/2", "AdvBench", "../judge/AdvBench/1", ""})
  void anUnknownListIsRefused(String name) {
    assertThatThrownBy(() -> StringListJudge.named(name))
        .isInstanceOf(TrainerException.class)
        .hasMessageContaining("expected RefusalPhrases/1, AdvBench/1 or Qi2023/1");
  }

  @Test
  void theIgnoredCaseIsLower() {
    StringListJudge judge = StringListJudge.named("RefusalPhrases/1");

    assertThat(judge.list().matching()).isEqualTo(StringListJudge.Matching.IgnoringCase);
    assertThat(judge.list().strings()).allMatch(each -> each.equals(each.toLowerCase()));
  }
}
