package io.safegrad.trainer.data;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.el.ext.ExtendedParser;
import com.hubspot.jinjava.interpret.Context;
import com.hubspot.jinjava.lib.fn.ELFunctionDefinition;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The functions and filters that Hugging Face gives to chat templates. */
public final class PythonJinja {

  /**
   * The date that every template sees. A run is a function of its plan, so the prompts of a run
   * must not depend on the day it is started or resumed on. It is the one that Llama 3.2's own
   * template falls back to.
   */
  private static final LocalDateTime NOW = LocalDateTime.of(2024, 7, 26, 0, 0);

  private PythonJinja() {}

  /** Thrown by a template that calls {@code raise_exception}. */
  static final class RaisedByTemplate extends RuntimeException {

    private static final long serialVersionUID = 1L;

    RaisedByTemplate(String message) {
      super(message);
    }
  }

  static void register(Jinjava jinjava) {
    jinjava.registerFunction(
        new ELFunctionDefinition(
            "", "raise_exception", PythonJinja.class, "raiseException", Object.class));
    jinjava.registerFunction(
        new ELFunctionDefinition(
            "", "strftime_now", PythonJinja.class, "strftimeNow", Object.class));
    // Jinjava's own leaves out what is beyond a thousand.
    jinjava.registerFunction(
        new ELFunctionDefinition(
            "", "range", PythonJinja.class, "range", Object.class, Object[].class));
    jinjava.getGlobalContext().registerExpTest(new PythonIterable());
    jinjava.registerFilter(new PythonJsonFilter());
    jinjava.registerFilter(new PythonStringFilter());
    jinjava.registerFilter(new PythonLengthFilter("length"));
    jinjava.registerFilter(new PythonLengthFilter("count"));
  }

  /** The first filter or test that a template has used and that does not exist. */
  static Optional<String> unknownName(Context context) {
    return context.getResolvedValues().stream()
        .filter(
            name ->
                (name.startsWith(ExtendedParser.FILTER_PREFIX)
                        && context.getFilter(afterColon(name)) == null)
                    || (name.startsWith(ExtendedParser.EXPTEST_PREFIX)
                        && context.getExpTest(afterColon(name)) == null))
        .map(name -> name.replace("exptest:", "test:").replace(":", " "))
        .sorted()
        .findFirst();
  }

  private static String afterColon(String name) {
    return name.substring(name.indexOf(':') + 1);
  }

  /** The template's {@code raise_exception(message)}. */
  public static Object raiseException(Object message) {
    throw new RaisedByTemplate(String.valueOf(message));
  }

  /** Python's {@code range(stop)}, {@code range(start, stop)}, {@code range(start, stop, step)}. */
  public static List<Long> range(Object first, Object... rest) {
    long start = rest.length == 0 ? 0 : whole(first);
    long stop = whole(rest.length == 0 ? first : rest[0]);
    long step = rest.length < 2 ? 1 : whole(rest[1]);
    if (step == 0) {
      throw new IllegalStateException("range: expected a step other than 0");
    }
    List<Long> numbers = new ArrayList<>();
    for (long next = start;
        step > 0 ? next < stop : next > stop;
        next = Math.addExact(next, step)) {
      if (numbers.size() == JinjaEnvironment.MAX_COLLECTION_SIZE) {
        throw new IllegalStateException("range: too many numbers");
      }
      numbers.add(next);
    }
    return numbers;
  }

  private static long whole(Object number) {
    if (number instanceof Number whole) {
      return whole.longValue();
    }
    throw new IllegalStateException("range: expected a number");
  }

  /** The template's {@code strftime_now(format)}, for the directives that date formats are of. */
  public static String strftimeNow(Object format) {
    return Strftime.format(NOW, String.valueOf(format));
  }
}
