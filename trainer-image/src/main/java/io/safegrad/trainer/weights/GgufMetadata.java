package io.safegrad.trainer.weights;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The metadata of a GGUF file.
 *
 * @param path names the file in errors
 * @param fields values as {@link GgufReader} reads them
 */
record GgufMetadata(Path path, Map<String, Object> fields) {

  boolean has(String key) {
    return fields.containsKey(key);
  }

  String text(String key) {
    return optionalText(key).orElseThrow(() -> missing(key, "a text"));
  }

  Optional<String> optionalText(String key) {
    return optional(key, String.class, "a text");
  }

  long integer(String key) {
    return optional(key, Long.class, "a whole number")
        .orElseThrow(() -> missing(key, "a whole number"));
  }

  long integer(String key, long fallback) {
    return optional(key, Long.class, "a whole number").orElse(fallback);
  }

  double number(String key) {
    return optional(key, Double.class, "a number").orElseThrow(() -> missing(key, "a number"));
  }

  double number(String key, double fallback) {
    return optional(key, Double.class, "a number").orElse(fallback);
  }

  boolean flag(String key, boolean fallback) {
    return optional(key, Boolean.class, "true or false").orElse(fallback);
  }

  /** A list of one type. */
  <T> List<T> list(String key, Class<T> type) {
    return optional(key, List.class, "a list").orElseThrow(() -> missing(key, "a list")).stream()
        .map(
            value -> {
              if (!type.isInstance(value)) {
                throw TensorFile.badData(
                    path,
                    "field " + key + ": expected a list of " + type.getSimpleName() + " values");
              }
              return type.cast(value);
            })
        .toList();
  }

  private <T> Optional<T> optional(String key, Class<T> type, String expected) {
    Object value = fields.get(key);
    if (value != null && !type.isInstance(value)) {
      throw TensorFile.badData(path, "field " + key + ": expected " + expected);
    }
    return Optional.ofNullable(type.cast(value));
  }

  private RuntimeException missing(String key, String expected) {
    return TensorFile.badData(path, "field " + key + " is missing; expected " + expected);
  }
}
