package io.safegrad.trainer.model;

import com.fasterxml.jackson.databind.JsonNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;

/**
 * The fields of a Hugging Face config.json, or of an object in it, with one error each for what is
 * not what it should be.
 */
record ConfigFields(JsonNode json) {

  boolean present(String field) {
    return json.hasNonNull(field);
  }

  /** The object in a field; without fields where there is none. */
  ConfigFields object(String field) {
    return new ConfigFields(json.path(field));
  }

  boolean flag(String field, boolean absent) {
    return present(field) ? json.get(field).asBoolean(absent) : absent;
  }

  String text(String field, String absent) {
    return present(field) ? json.get(field).asText() : absent;
  }

  int positive(String field) {
    JsonNode value = json.path(field);
    if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < 1) {
      throw badData(field, value, "a positive whole number");
    }
    return value.intValue();
  }

  int positive(String field, int absent) {
    return present(field) ? positive(field) : absent;
  }

  double number(String field) {
    JsonNode value = json.path(field);
    if (!value.isNumber() || value.doubleValue() <= 0) {
      throw badData(field, value, "a positive number");
    }
    return value.doubleValue();
  }

  double number(String field, double absent) {
    return present(field) ? number(field) : absent;
  }

  double[] numbers(String field, int count) {
    JsonNode values = json.path(field);
    double[] numbers = new double[count];
    for (int i = 0; i < count; i++) {
      JsonNode value = values.path(i);
      if (values.size() != count || !value.isNumber() || value.doubleValue() <= 0) {
        throw badData(field, values, "a list of " + count + " positive numbers");
      }
      numbers[i] = value.doubleValue();
    }
    return numbers;
  }

  /** Refuses an option that is not implemented. */
  void refuseUnless(String field, boolean supported, String expected) {
    if (!supported) {
      throw unsupported(
          field + " is " + json.get(field) + ", which is not supported; supported is " + expected);
    }
  }

  static TrainerException unsupported(String message) {
    return new TrainerException(ExitReason.BAD_PLAN, "config.json: " + message);
  }

  static TrainerException badData(String field, Object found, String expected) {
    boolean missing = found instanceof JsonNode node && node.isMissingNode();
    return new TrainerException(
        ExitReason.BAD_DATA,
        "config.json: "
            + field
            + (missing ? " is missing" : " is " + found)
            + "; expected "
            + expected);
  }
}
