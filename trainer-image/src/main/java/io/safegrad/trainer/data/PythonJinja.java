package io.safegrad.trainer.data;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.lib.fn.ELFunctionDefinition;
import java.time.LocalDateTime;
import java.util.regex.Pattern;

/** What Hugging Face adds to Jinja, and what Jinjava does not understand of Python's Jinja. */
public final class PythonJinja {

  /**
   * The date that every template sees. A run is a function of its plan, so the prompts of a run
   * must not depend on the day it is started or resumed on. It is the one that Llama 3.2's own
   * template falls back to.
   */
  private static final LocalDateTime NOW = LocalDateTime.of(2024, 7, 26, 0, 0);

  private static final Pattern REVERSED = Pattern.compile("\\[::-1\\]");

  private static final Pattern GENERATION = Pattern.compile("\\{%-?\\s*(end)?generation\\s*-?%}");

  private PythonJinja() {}

  /** Thrown by a template that calls {@code raise_exception}. */
  static final class RaisedByTemplate extends RuntimeException {

    private static final long serialVersionUID = 1L;

    RaisedByTemplate(String message) {
      super(message);
    }
  }

  /** Rewrites the few forms that Jinjava's grammar lacks. */
  static String adapt(String template) {
    return GENERATION
        .matcher(REVERSED.matcher(template).replaceAll("|reverse|list"))
        .replaceAll("");
  }

  static void register(Jinjava jinjava) {
    jinjava.registerFunction(
        new ELFunctionDefinition(
            "", "raise_exception", PythonJinja.class, "raiseException", Object.class));
    jinjava.registerFunction(
        new ELFunctionDefinition(
            "", "strftime_now", PythonJinja.class, "strftimeNow", Object.class));
    jinjava.registerFilter(new PythonJsonFilter());
  }

  /** The template's {@code raise_exception(message)}. */
  public static Object raiseException(Object message) {
    throw new RaisedByTemplate(String.valueOf(message));
  }

  /** The template's {@code strftime_now(format)}, for the directives that date formats are of. */
  public static String strftimeNow(Object format) {
    return Strftime.format(NOW, String.valueOf(format));
  }
}
