package io.safegrad.trainer.data;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.el.ext.ExtendedParser;
import com.hubspot.jinjava.interpret.Context;
import com.hubspot.jinjava.lib.fn.ELFunctionDefinition;
import java.time.LocalDateTime;
import java.util.Optional;
import java.util.regex.Matcher;
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

  private static final Pattern GENERATION =
      Pattern.compile("(\\{%[-+]?)\\s*(end)?generation\\s*([-+]?%})");

  private static final Pattern NAMESPACE = Pattern.compile("\\bnamespace\\(([^()]*)\\)");

  private static final Pattern NAMED_ARGUMENT = Pattern.compile("(\\w+)\\s*=([^,=]+)");

  /** {@code for item in items if condition}; an inline {@code a if b else c} is not one. */
  private static final Pattern FILTERED_LOOP =
      Pattern.compile(
          "(\\{%[-+]?)\\s*for\\s+([\\w\\s,]+?)\\s+in\\s+((?:(?!%}).)+?)"
              + "\\s+if\\s+((?:(?!%}|\\selse\\s).)+?)\\s*([-+]?%})",
          Pattern.DOTALL);

  private PythonJinja() {}

  /** Thrown by a template that calls {@code raise_exception}. */
  static final class RaisedByTemplate extends RuntimeException {

    private static final long serialVersionUID = 1L;

    RaisedByTemplate(String message) {
      super(message);
    }
  }

  /**
   * Rewrites the forms that Jinjava reads wrongly into ones that it reads rightly: reversing
   * slices; arguments of {@code namespace}, whose {@code =} it would bind before a {@code -}; loops
   * with a condition, which it would run over all items; and Hugging Face's {@code generation}
   * blocks, which only mark a part of the text.
   */
  static String adapt(String template) {
    String adapted = REVERSED.matcher(template).replaceAll("|reverse|list");
    adapted =
        NAMESPACE
            .matcher(adapted)
            .replaceAll(
                call ->
                    Matcher.quoteReplacement(
                        "namespace("
                            + NAMED_ARGUMENT.matcher(call.group(1)).replaceAll("$1=($2)")
                            + ")"));
    adapted =
        GENERATION
            .matcher(adapted)
            .replaceAll(
                tag ->
                    tag.group(1) + (tag.group(2) == null ? " if true " : " endif ") + tag.group(3));
    StringBuilder loops = new StringBuilder();
    Matcher loop = FILTERED_LOOP.matcher(adapted);
    for (int number = 0; loop.find(); number++) {
      String kept = "kept_items_" + number;
      String item = loop.group(2).contains(",") ? "[" + loop.group(2) + "]" : loop.group(2);
      String rewritten =
          loop.group(1)
              + " set "
              + kept
              + " = [] %}"
              + "{% for "
              + loop.group(2)
              + " in "
              + loop.group(3)
              + " %}"
              + "{% if "
              + loop.group(4)
              + " %}{% do "
              + kept
              + ".append("
              + item
              + ") %}{% endif %}"
              + "{% endfor %}{% for "
              + loop.group(2)
              + " in "
              + kept
              + " "
              + loop.group(5);
      loop.appendReplacement(loops, Matcher.quoteReplacement(rewritten));
    }
    return loop.appendTail(loops).toString();
  }

  static void register(Jinjava jinjava) {
    jinjava.registerFunction(
        new ELFunctionDefinition(
            "", "raise_exception", PythonJinja.class, "raiseException", Object.class));
    jinjava.registerFunction(
        new ELFunctionDefinition(
            "", "strftime_now", PythonJinja.class, "strftimeNow", Object.class));
    jinjava.registerFilter(new PythonJsonFilter());
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

  /** The template's {@code strftime_now(format)}, for the directives that date formats are of. */
  public static String strftimeNow(Object format) {
    return Strftime.format(NOW, String.valueOf(format));
  }
}
