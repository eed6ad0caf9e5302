package io.safegrad.trainer.data;

import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.filter.Filter;
import java.util.Map;
import java.util.Objects;

/** Python's {@code str}: some templates show tools as the dicts that they are in Python. */
final class PythonStringFilter implements Filter {

  @Override
  public String getName() {
    return "string";
  }

  /** Null, which is both what is undefined and none, gives an empty text. */
  @Override
  public Object filter(Object value, JinjavaInterpreter interpreter, String... args) {
    if (value == null || value instanceof String) {
      return Objects.toString(value, "");
    }
    StringBuilder text = new StringBuilder();
    append(value, text);
    return text.toString();
  }

  private static void append(Object value, StringBuilder text) {
    if (text.length() > JinjaEnvironment.MAX_OUTPUT_CHARACTERS) {
      throw new IllegalStateException("a text of more than " + text.length() + " characters");
    }
    if (value instanceof Map<?, ?> map) {
      String separator = "";
      text.append('{');
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        text.append(separator);
        append(entry.getKey(), text);
        append(entry.getValue(), text.append(": "));
        separator = ", ";
      }
      text.append('}');
    } else if (value instanceof Iterable<?> items) {
      String separator = "";
      text.append('[');
      for (Object item : items) {
        append(item, text.append(separator));
        separator = ", ";
      }
      text.append(']');
    } else if (value instanceof String string) {
      quote(string, text);
    } else if (value instanceof Boolean flag) {
      text.append(flag ? "True" : "False");
    } else {
      text.append(value == null ? "None" : value);
    }
  }

  /** Double quotes only around a text that has single ones and no double ones. */
  private static void quote(String string, StringBuilder text) {
    char quote = string.indexOf('\'') >= 0 && string.indexOf('"') < 0 ? '"' : '\'';
    text.append(quote);
    for (int i = 0; i < string.length(); i++) {
      char c = string.charAt(i);
      switch (c) {
        case '\n' -> text.append("\\n");
        case '\r' -> text.append("\\r");
        case '\t' -> text.append("\\t");
        case '\\' -> text.append("\\\\");
        default -> {
          if (c == quote) {
            text.append('\\').append(c);
          } else if (c < ' ' || (c >= '\u007f' && c < '\u00a0')) {
            text.append("\\x%02x".formatted((int) c));
          } else {
            text.append(c);
          }
        }
      }
    }
    text.append(quote);
  }
}
