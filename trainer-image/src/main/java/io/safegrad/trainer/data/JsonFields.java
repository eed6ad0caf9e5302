package io.safegrad.trainer.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The fields that data sets are made of. */
final class JsonFields {

  private static final Set<String> ROLES = Set.of("system", "user", "assistant", "tool");

  private static final Set<String> OWN_FIELDS = Set.of("role", "content");

  private static final ObjectMapper JSON = new ObjectMapper();

  private JsonFields() {}

  /** A chat: a list of at least one {role, content}. */
  static List<Message> messages(DataRecord record, String field) {
    JsonNode list = record.object().path(field);
    if (!list.isArray()) {
      throw record.error("field " + field + ": expected a list of messages, found " + typeOf(list));
    }
    if (list.isEmpty()) {
      throw record.error("field " + field + ": expected at least one message, found none");
    }
    List<Message> messages = new ArrayList<>(list.size());
    for (int i = 0; i < list.size(); i++) {
      messages.add(message(record, field + "[" + i + "]", list.get(i)));
    }
    return messages;
  }

  private static Message message(DataRecord record, String field, JsonNode json) {
    if (!json.isObject()) {
      throw record.error(
          "field " + field + ": expected an object with role and content, found " + typeOf(json));
    }
    String role = text(record, field + ".role", json.path("role"));
    if (!ROLES.contains(role)) {
      throw record.error(
          "field " + field + ".role: expected system, user, assistant or tool, found another role");
    }
    JsonNode content = json.path("content");
    // OpenAI's form of a turn that only calls a tool.
    boolean onlyCalls =
        !json.path("tool_calls").isEmpty() && (content.isNull() || content.isMissingNode());
    Map<String, Object> more = new LinkedHashMap<>();
    json.fields()
        .forEachRemaining(
            each -> {
              if (!OWN_FIELDS.contains(each.getKey())) {
                more.put(each.getKey(), plain(each.getValue()));
              }
            });
    return new Message(role, onlyCalls ? "" : text(record, field + ".content", content), more);
  }

  /**
   * The tools that a chat's assistant may call, for the chat template; empty for none. A column of
   * a table has them as JSON in a text.
   */
  static List<Object> tools(DataRecord record) {
    JsonNode tools = record.object().path("tools");
    if (tools.isMissingNode() || tools.isNull()) {
      return List.of();
    }
    if (tools.isTextual()) {
      tools = parsed(record, tools.asText());
    }
    if (!tools.isArray()) {
      throw record.error("field tools: expected a list of tools, found " + typeOf(tools));
    }
    List<Object> list = new ArrayList<>();
    tools.forEach(tool -> list.add(plain(tool)));
    return list;
  }

  private static JsonNode parsed(DataRecord record, String text) {
    try {
      return JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw record.error("field tools: expected a list of tools, found a text that is not JSON");
    }
  }

  /** A value in the classes that a chat template sees. */
  private static Object plain(JsonNode json) {
    return JSON.convertValue(json, Object.class);
  }

  /** A field of a record that must be a text. */
  static String text(DataRecord record, String field) {
    return text(record, field, record.object().path(field));
  }

  static String text(DataRecord record, String field, JsonNode json) {
    if (!json.isTextual()) {
      throw record.error("field " + field + ": expected a text, found " + typeOf(json));
    }
    return json.asText();
  }

  /** What a value is, in words for an error. */
  static String typeOf(JsonNode json) {
    return switch (json.getNodeType()) {
      case MISSING -> "nothing";
      case NULL -> "null";
      case STRING -> "a text";
      case NUMBER -> "a number";
      case BOOLEAN -> "true or false";
      case ARRAY -> "a list";
      default -> "an object";
    };
  }
}
