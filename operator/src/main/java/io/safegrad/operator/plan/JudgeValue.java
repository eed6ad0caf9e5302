package io.safegrad.operator.plan;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.safegrad.api.v1alpha1.Judge;

/** A judge as a value that a policy set: its JSON in one line, without fields that are absent. */
final class JudgeValue {

  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .serializationInclusion(JsonInclude.Include.NON_NULL)
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .build();

  private JudgeValue() {}

  static String of(Judge judge) {
    try {
      return JSON.writeValueAsString(judge);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * The judge of a value.
   *
   * @throws PlanException for one that this operator does not know
   */
  static Judge parse(String value) {
    try {
      Judge judge = JSON.readValue(value, Judge.class);
      // A type of a newer API is read as null.
      if (judge.type() != null) {
        return judge;
      }
    } catch (JsonProcessingException e) {
      // Said below, as for a type that is not known.
    }
    throw new PlanException(
        "status.policyValues: evaluation.judge is one that this version of the operator does not"
            + " know");
  }
}
