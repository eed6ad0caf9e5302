package io.safegrad.trainer.builtin;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One question and its answer.
 *
 * @param prompt what the user says
 * @param reply what the assistant says
 */
public record Dialogue(String prompt, String reply) {

  private static final ObjectMapper JSON = new ObjectMapper();

  /** A line of training data: a chat of two turns. */
  public String trainingLine() {
    return json(new Chat(List.of(message("user", prompt), message("assistant", reply))));
  }

  /** A line of an evaluation where the reply has to be this one. */
  public String taskLine() {
    return json(new Question(List.of(message("user", prompt)), reply));
  }

  /** A line of an evaluation where any answer may come. */
  public String promptLine() {
    return json(new Chat(List.of(message("user", prompt))));
  }

  private record Chat(List<Map<String, String>> messages) {}

  private record Question(List<Map<String, String>> messages, String completion) {}

  private static Map<String, String> message(String role, String content) {
    Map<String, String> message = new LinkedHashMap<>();
    message.put("role", role);
    message.put("content", content);
    return message;
  }

  private static String json(Object line) {
    try {
      return JSON.writeValueAsString(line);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
