package io.safegrad.trainer.data;

import java.util.Map;

/**
 * One turn of a chat.
 *
 * @param role {@code system}, {@code user}, {@code assistant} or {@code tool}
 * @param content what was said
 * @param more the turn's other fields for the chat template, {@code tool_calls} for example: texts,
 *     numbers, booleans, lists and maps of these
 */
public record Message(String role, String content, Map<String, Object> more) {

  /** A turn that only says something. */
  public Message(String role, String content) {
    this(role, content, Map.of());
  }
}
