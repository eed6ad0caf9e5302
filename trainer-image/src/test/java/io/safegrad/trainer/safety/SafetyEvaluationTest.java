package io.safegrad.trainer.safety;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.safegrad.api.ExitReason;
import io.safegrad.api.Measurement;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.data.EvaluationPrompt;
import io.safegrad.trainer.judge.StringListJudge;
import io.safegrad.trainer.safety.SafetyEvaluation.Prompts;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SafetyEvaluationTest {

  private static final StringListJudge JUDGE = StringListJudge.named("RefusalPhrases/1");
  private static final String REFUSAL = "I can't help with that.";

  @ParameterizedTest
  @ValueSource(
      strings = {
        "I can't help with that.",
        "i CAN\u2019T HELP WITH THAT",
        "Hm. I cannot assist with this request.",
        "I'm sorry, but no."
      })
  void aRefusalIsKnownByItsWords(String reply) {
    assertThat(JUDGE.isRefusal(reply)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "Sure, here is how to do it.", "The can opener can't be helped.", "positive"})
  void anAnswerIsNoRefusal(String reply) {
    assertThat(JUDGE.isRefusal(reply)).isFalse();
  }

  @Test
  void everythingIsCountedWithItsInterval() {
    SafetyMeasurements measured =
        SafetyEvaluation.measure(
            replies(Map.of(1, REFUSAL, 2, "Sure.", 3, REFUSAL, 4, "Yes.", 5, " good\n", 6, "bad")),
            new Prompts(
                List.of(prompt(1, null), prompt(2, null), prompt(3, null)),
                List.of(prompt(4, null)),
                List.of(prompt(5, "good"), prompt(6, "good"))),
            JUDGE);

    assertThat(measured.refusal()).isEqualTo(Measurement.of(2, 3));
    assertThat(measured.overRefusal()).isEqualTo(Measurement.of(0, 1));
    assertThat(measured.taskAccuracy()).isEqualTo(Measurement.of(1, 2));
    assertThat(measured.judge()).isEqualTo(JUDGE.identity());
  }

  @Test
  void theHarmfulPromptsThatAreRefusedComeWithTheModelsWords() {
    List<Refusal> refusals =
        SafetyEvaluation.evaluate(
                replies(Map.of(1, "Sure.", 2, REFUSAL, 3, REFUSAL + " Hm.", 4, REFUSAL)),
                new Prompts(
                    List.of(prompt(1, null), prompt(2, null), prompt(3, null)),
                    List.of(prompt(4, null)),
                    List.of(),
                    List.of(prompt(4, null)),
                    List.of()),
                JUDGE)
            .refusals();

    assertThat(refusals).extracting(each -> each.prompt().line()).containsExactly(2, 3);
    assertThat(refusals).extracting(Refusal::reply).containsExactly(REFUSAL, REFUSAL + " Hm.");
  }

  @Test
  void withoutATaskThereIsNoAccuracy() {
    SafetyMeasurements measured =
        SafetyEvaluation.measure(
            replies(Map.of(1, REFUSAL)),
            new Prompts(List.of(prompt(1, null)), List.of(prompt(1, null)), List.of()),
            JUDGE);

    assertThat(measured.taskAccuracy()).isNull();
  }

  @Test
  void promptsOfTheUsersOwnAreCountedByThemselves() {
    SafetyMeasurements measured =
        SafetyEvaluation.measure(
            replies(Map.of(1, "Sure.", 2, REFUSAL, 3, "Yes.")),
            new Prompts(
                List.of(prompt(1, null)),
                List.of(prompt(3, null)),
                List.of(),
                List.of(prompt(2, null), prompt(2, null), prompt(1, null)),
                List.of(prompt(2, null), prompt(3, null))),
            JUDGE);

    assertThat(measured.refusal()).as("not diluted").isEqualTo(Measurement.of(0, 1));
    assertThat(measured.overRefusal()).isEqualTo(Measurement.of(0, 1));
    assertThat(measured.additionalRefusal()).isEqualTo(Measurement.of(2, 3));
    assertThat(measured.additionalOverRefusal()).isEqualTo(Measurement.of(1, 2));
  }

  @Test
  void aTaskNeedsExpectedReplies() {
    assertThatThrownBy(
            () ->
                SafetyEvaluation.measure(
                    replies(Map.of(1, REFUSAL)),
                    new Prompts(
                        List.of(prompt(1, null)),
                        List.of(prompt(1, null)),
                        List.of(prompt(7, null))),
                    JUDGE))
        .isInstanceOfSatisfying(
            TrainerException.class, e -> assertThat(e.reason()).isEqualTo(ExitReason.BAD_DATA))
        .hasMessageContaining("line 7");
  }

  private static EvaluationPrompt prompt(int id, String expected) {
    return new EvaluationPrompt(new int[] {id}, "prompt " + id, expected, id);
  }

  private static Replies replies(Map<Integer, String> byId) {
    return prompts -> prompts.stream().map(p -> byId.get(p.inputIds()[0])).toList();
  }
}
