package io.safegrad.api;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import java.util.stream.Collectors;

/** A manifest or a plan that cannot be used; the message names the field and what was expected. */
public class ManifestException extends RuntimeException {

  public ManifestException(String message) {
    super(OneLine.of(message));
  }

  static ManifestException of(String document, JsonProcessingException cause) {
    JsonLocation location = cause.getLocation();
    String line = location == null ? "" : " line " + location.getLineNr();
    if (cause instanceof UnrecognizedPropertyException unknown) {
      return new ManifestException(
          "%s%s: unknown field %s; expected one of %s"
              .formatted(
                  document,
                  line,
                  path(unknown),
                  unknown.getKnownPropertyIds().stream()
                      .map(Object::toString)
                      .sorted()
                      .collect(Collectors.joining(", "))));
    }
    if (cause instanceof MismatchedInputException whole && whole.getPath().isEmpty()) {
      return new ManifestException(
          "%s%s: found a single value or a list; expected fields, each with its value"
              .formatted(document, line));
    }
    String where = cause instanceof JsonMappingException mapping ? " field " + path(mapping) : "";
    return new ManifestException(
        "%s%s%s: %s"
            .formatted(
                document, line, where, cause.getOriginalMessage().lines().findFirst().orElse("")));
  }

  private static String path(JsonMappingException exception) {
    return exception.getPath().stream()
        .map(
            step -> step.getFieldName() == null ? "[" + step.getIndex() + "]" : step.getFieldName())
        .collect(Collectors.joining("."));
  }
}
