package io.safegrad.trainer.data;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Rewrites the forms of Python's Jinja that Jinjava reads otherwise into ones that both read alike:
 *
 * <ul>
 *   <li>{@code not} binds weaker than {@code is}, {@code in}, {@code ==} and {@code !=};
 *   <li>a loop's {@code if} selects its items, where Jinjava would run over all of them;
 *   <li>{@code [::-1]} reverses;
 *   <li>{@code =} in {@code namespace(a=b - 1)} binds weaker than the minus;
 *   <li>the escapes of Python's string literals;
 *   <li>Hugging Face's {@code generation} blocks only mark a part of the text;
 *   <li>{@code trim_blocks}, {@code lstrip_blocks} and minus signs take whitespace away just as in
 *       Python: {@code lstrip_blocks} only where a tag begins its line;
 *   <li>line ends are line feeds, and one at the end of the template is dropped.
 * </ul>
 *
 * Only code is rewritten: neither the template's text nor what stands between quotes.
 */
final class PythonSyntax {

  // Possessive, since a template is not trusted: nothing here may take longer than it is long.
  private static final String OPERAND =
      "([\\w\uE000-\uF8FF]++(?:\\[[^\\[\\]]*+\\]|\\.\\w++|\\s*+\\|\\s*+\\w++)*+)";

  private static final Pattern NOT_TEST =
      Pattern.compile("\\bnot\\s+" + OPERAND + "\\s+is\\s+(not\\s+)?");

  private static final Pattern NOT_COMPARISON =
      Pattern.compile("\\bnot\\s+" + OPERAND + "\\s*(==|!=|\\bin\\b)");

  private static final Pattern REVERSED = Pattern.compile("\\[::-1\\]");

  /** A method that {@link PythonStrings} and {@link PythonObjects} give to texts and lists. */
  static final String REVERSED_METHOD = "reversed_by_slice";

  private static final Pattern NAMESPACE = Pattern.compile("\\bnamespace\\(([^()]*)\\)");

  private static final Pattern NAMED_ARGUMENT = Pattern.compile("\\b(\\w++)\\s*+=([^,=]+)");

  private static final Pattern LOOP = Pattern.compile("for (\\w++(?: ?, ?\\w++)*+) in (.+)");

  /** Stands for the first string literal of a tag; the ones after it count on from here. */
  private static final char FIRST_LITERAL = '\uE000';

  private static final int MAX_LITERALS = 4096;

  private final String template;
  private final StringBuilder adapted = new StringBuilder();
  private int position;
  private int filteredLoops;

  private PythonSyntax(String template) {
    this.template = template;
  }

  static String adapt(String template) {
    String text = template.replace("\r\n", "\n").replace('\r', '\n');
    return new PythonSyntax(text.endsWith("\n") ? text.substring(0, text.length() - 1) : text)
        .adapt();
  }

  private String adapt() {
    while (position < template.length()) {
      int brace = template.indexOf('{', position);
      if (brace < 0 || brace + 1 == template.length()) {
        break;
      }
      adapted.append(template, position, brace);
      position = brace;
      switch (template.charAt(brace + 1)) {
        case '%' -> tag("%}");
        case '{' -> tag("}}");
        case '#' -> comment();
        default -> {
          // As an expression: once whitespace is gone, a tag may follow and must not join it.
          adapted.append("{{ '{' }}");
          position++;
        }
      }
    }
    return adapted.append(template, position, template.length()).toString();
  }

  /** Leaves an empty expression in a comment's place, so that texts around it stay apart. */
  private void comment() {
    int end = template.indexOf("#}", position + 2);
    if (end < 0) {
      adapted.append(template, position, template.length());
      position = template.length();
      return;
    }
    trimBefore(position, template.charAt(position + 2), true);
    adapted.append("{{ '' }}");
    position = end + 2;
    trimAfter(template.charAt(end - 1), true);
  }

  /**
   * Takes away the whitespace before a tag.
   *
   * @param start where the tag is in the template
   * @param control its first character: a minus takes all whitespace, a plus none
   * @param block whether lstrip_blocks applies: to blocks and comments, not to expressions
   */
  private void trimBefore(int start, char control, boolean block) {
    if (control == '-') {
      dropLast(adapted.length(), true);
      return;
    }
    int lineStart = start;
    while (lineStart > 0 && isWhitespace(template.charAt(lineStart - 1), false)) {
      lineStart--;
    }
    boolean beginsLine = lineStart == 0 || template.charAt(lineStart - 1) == '\n';
    if (block && control != '+' && beginsLine) {
      dropLast(start - lineStart, false);
    }
  }

  private void dropLast(int most, boolean lineFeedsToo) {
    int kept = adapted.length();
    while (kept > adapted.length() - most
        && kept > 0
        && isWhitespace(adapted.charAt(kept - 1), lineFeedsToo)) {
      kept--;
    }
    adapted.setLength(kept);
  }

  /** Passes over the whitespace after a tag that ended at the position. */
  private void trimAfter(char control, boolean block) {
    if (control == '-') {
      while (position < template.length() && isWhitespace(template.charAt(position), true)) {
        position++;
      }
    } else if (block && control != '+' && template.startsWith("\n", position)) {
      position++;
    }
  }

  private static boolean isWhitespace(char c, boolean lineFeedsToo) {
    return c == ' ' || c == '\t' || (lineFeedsToo && c == '\n');
  }

  /** One tag from the position on; where it has no end it stays as it is, for Jinjava to refuse. */
  private void tag(String end) {
    StringBuilder code = new StringBuilder();
    List<String> literals = new ArrayList<>();
    int at = position + 2;
    while (at < template.length() && !template.startsWith(end, at)) {
      char c = template.charAt(at);
      int close = c == '\'' || c == '"' ? literalEnd(at) : -1;
      if (close > 0 && literals.size() < MAX_LITERALS) {
        code.append((char) (FIRST_LITERAL + literals.size()));
        literals.add(literal(template.substring(at + 1, close), c));
        at = close + 1;
      } else {
        code.append(c);
        at++;
      }
    }
    if (at >= template.length()) {
      adapted.append(template, position, template.length());
      position = template.length();
      return;
    }
    boolean block = end.equals("%}");
    char first = code.length() > 0 ? code.charAt(0) : ' ';
    char last = code.length() > 1 ? code.charAt(code.length() - 1) : ' ';
    trimBefore(position, first, block);
    boolean control = first == '-' || (block && first == '+');
    String inner =
        code.substring(
            control ? 1 : 0, code.length() - (last == '-' || (block && last == '+') ? 1 : 0));
    String open = template.substring(position, position + 2);
    String rewritten = open + ' ' + rewrite(inner.strip()) + ' ' + end;
    rewritten
        .chars()
        .forEach(
            c -> {
              int literal = c - FIRST_LITERAL;
              if (literal >= 0 && literal < literals.size()) {
                adapted.append(literals.get(literal));
              } else {
                adapted.append((char) c);
              }
            });
    position = at + 2;
    trimAfter(last, block);
  }

  private int literalEnd(int start) {
    for (int at = start + 1; at < template.length(); at++) {
      if (template.charAt(at) == '\\') {
        at++;
      } else if (template.charAt(at) == template.charAt(start)) {
        return at;
      }
    }
    return -1;
  }

  private String rewrite(String code) {
    String text = code.replaceAll("\\s+", " ");
    text = REVERSED.matcher(text).replaceAll("." + REVERSED_METHOD + "()");
    text =
        NAMESPACE
            .matcher(text)
            .replaceAll(
                call ->
                    Matcher.quoteReplacement(
                        "namespace("
                            + NAMED_ARGUMENT.matcher(call.group(1)).replaceAll("$1=($2)")
                            + ")"));
    text =
        NOT_TEST
            .matcher(text)
            .replaceAll(
                test ->
                    Matcher.quoteReplacement(
                        test.group(1) + (test.group(2) == null ? " is not " : " is ")));
    text = NOT_COMPARISON.matcher(text).replaceAll(PythonSyntax::negated);
    if (text.equals("generation")) {
      return "if true";
    }
    if (text.equals("endgeneration")) {
      return "endif";
    }
    Matcher loop = LOOP.matcher(text);
    return loop.matches() ? loop(loop.group(1), loop.group(2)) : text;
  }

  private static String negated(MatchResult comparison) {
    String operator =
        switch (comparison.group(2)) {
          case "==" -> " !=";
          case "!=" -> " ==";
          default -> " not in";
        };
    return Matcher.quoteReplacement(comparison.group(1) + operator);
  }

  /**
   * {@code for item in items if condition}, where an inline {@code a if b else c} is no condition.
   * The items that it keeps are collected first, so that {@code loop} counts them.
   */
  private String loop(String variables, String items) {
    int condition = items.indexOf(" if ", Math.max(0, items.lastIndexOf(" else ")));
    if (condition < 0) {
      return "for " + variables + " in " + items;
    }
    String kept = "kept_items_" + filteredLoops++;
    String item = variables.contains(",") ? "[" + variables + "]" : variables;
    return ("set " + kept + " = [] %}")
        + ("{% for " + variables + " in " + items.substring(0, condition) + " %}")
        + ("{% if " + items.substring(condition + " if ".length()) + " %}")
        + ("{% do " + kept + ".append(" + item + ") %}{% endif %}")
        + ("{% endfor %}{% for " + variables + " in " + kept);
  }

  /** Python's literal as one of Jinjava's, which knows fewer escapes. */
  private static String literal(String python, char quote) {
    StringBuilder text = new StringBuilder().append(quote);
    for (int at = 0; at < python.length(); at++) {
      char c = python.charAt(at);
      if (c != '\\' || at + 1 == python.length()) {
        text.append(c);
        continue;
      }
      char escape = python.charAt(++at);
      int digits = "xuU".indexOf(escape) < 0 ? 0 : escape == 'x' ? 2 : escape == 'u' ? 4 : 8;
      if (digits > 0 && python.substring(at + 1).matches("(?s)[0-9a-fA-F]{" + digits + "}.*")) {
        int codePoint = Integer.parseUnsignedInt(python.substring(at + 1, at + 1 + digits), 16);
        if (Character.isValidCodePoint(codePoint)
            && codePoint >= ' '
            && codePoint != quote
            && codePoint != '\\') {
          text.appendCodePoint(codePoint);
          at += digits;
          continue;
        }
      }
      switch (escape) {
        case '\n' -> {}
        case 'n', 't', 'r', 'b', 'f', '\\', '\'', '"' -> text.append('\\').append(escape);
        default -> text.append("\\\\").append(escape);
      }
    }
    return text.append(quote).toString();
  }
}
