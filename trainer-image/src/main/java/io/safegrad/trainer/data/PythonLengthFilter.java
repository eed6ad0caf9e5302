package io.safegrad.trainer.data;

import com.hubspot.jinjava.interpret.InvalidInputException;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.filter.Filter;
import java.util.Collection;
import java.util.Map;

/** Python's {@code len}: of a text it counts code points, not UTF-16 units. */
final class PythonLengthFilter implements Filter {

  private final String name;

  PythonLengthFilter(String name) {
    this.name = name;
  }

  @Override
  public String getName() {
    return name;
  }

  @Override
  public Object filter(Object value, JinjavaInterpreter interpreter, String... args) {
    if (value == null) {
      return 0;
    }
    if (value instanceof String text) {
      return text.codePointCount(0, text.length());
    }
    if (value instanceof Collection<?> items) {
      return items.size();
    }
    if (value instanceof Map<?, ?> map) {
      return map.size();
    }
    throw new InvalidInputException(interpreter, name, "expected a text, a list or a dict");
  }
}
