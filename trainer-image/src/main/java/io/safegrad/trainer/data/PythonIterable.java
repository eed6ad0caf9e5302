package io.safegrad.trainer.data;

import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.exptest.ExpTest;
import java.util.Map;

/** Jinja's test {@code iterable} as Python has it, where texts and maps are iterable, too. */
final class PythonIterable implements ExpTest {

  @Override
  public String getName() {
    return "iterable";
  }

  @Override
  public boolean evaluate(Object value, JinjavaInterpreter interpreter, Object... arguments) {
    return value instanceof Iterable
        || value instanceof CharSequence
        || value instanceof Map
        || value != null && value.getClass().isArray();
  }
}
