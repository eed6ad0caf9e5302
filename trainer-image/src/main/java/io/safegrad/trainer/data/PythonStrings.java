package io.safegrad.trainer.data;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.function.BiPredicate;
import java.util.stream.Collectors;
import jinjava.javax.el.MethodNotFoundException;

/** Python's methods of {@code str}. */
final class PythonStrings {

  private PythonStrings() {}

  static Object call(String text, String method, Object[] arguments) {
    return switch (method) {
      case "strip" -> strip(text, arguments, true, true);
      case "lstrip" -> strip(text, arguments, true, false);
      case "rstrip" -> strip(text, arguments, false, true);
      case "startswith" -> any(text, arguments, String::startsWith);
      case "endswith" -> any(text, arguments, String::endsWith);
      case "split" -> split(text, arguments, false);
      case "rsplit" -> split(text, arguments, true);
      case "splitlines" -> text.lines().collect(Collectors.toCollection(ArrayList::new));
      case "replace" ->
          arguments.length > 2
              ? replace(text, string(arguments, 0), string(arguments, 1), number(arguments, 2))
              : replace(text, string(arguments, 0), string(arguments, 1));
      case "join" -> joined(((List<?>) arguments[0]).stream().map(String::valueOf).toList(), text);
      case "lower" -> text.toLowerCase(Locale.ROOT);
      case "upper" -> text.toUpperCase(Locale.ROOT);
      case "title" -> title(text);
      case "capitalize" ->
          text.isEmpty()
              ? text
              : text.substring(0, 1).toUpperCase(Locale.ROOT)
                  + text.substring(1).toLowerCase(Locale.ROOT);
      case "find" -> text.indexOf(string(arguments, 0));
      case "count" -> split(text, arguments, false).size() - 1;
      case "isdigit" -> !text.isEmpty() && text.chars().allMatch(Character::isDigit);
      case "removeprefix" ->
          text.startsWith(string(arguments, 0))
              ? text.substring(string(arguments, 0).length())
              : text;
      case "removesuffix" ->
          text.endsWith(string(arguments, 0))
              ? text.substring(0, text.length() - string(arguments, 0).length())
              : text;
      case PythonSyntax.REVERSED_METHOD -> reversed(text);
      default -> throw new MethodNotFoundException("str has no " + method + " here");
    };
  }

  private static String reversed(String text) {
    int[] codePoints = text.codePoints().toArray();
    StringBuilder reversed = new StringBuilder(text.length());
    for (int i = codePoints.length - 1; i >= 0; i--) {
      reversed.appendCodePoint(codePoints[i]);
    }
    return reversed.toString();
  }

  private static String string(Object[] arguments, int index) {
    if (index >= arguments.length || !(arguments[index] instanceof String text)) {
      throw new MethodNotFoundException("expected a text as argument " + (index + 1));
    }
    return text;
  }

  private static int number(Object[] arguments, int index) {
    return ((Number) arguments[index]).intValue();
  }

  /** Without an argument whitespace is stripped, else any of the argument's characters. */
  private static String strip(String text, Object[] arguments, boolean left, boolean right) {
    boolean whitespace = arguments == null || arguments.length == 0 || arguments[0] == null;
    String characters = whitespace ? "" : string(arguments, 0);
    int start = 0;
    int end = text.length();
    while (left && start < end && strips(text.charAt(start), whitespace, characters)) {
      start++;
    }
    while (right && start < end && strips(text.charAt(end - 1), whitespace, characters)) {
      end--;
    }
    return text.substring(start, end);
  }

  private static boolean strips(char c, boolean whitespace, String characters) {
    // Python counts the no-break spaces and the separators 0x1c to 0x1f as whitespace.
    return whitespace
        ? Character.isWhitespace(c) || Character.isSpaceChar(c) || c == '\u0085'
        : characters.indexOf(c) >= 0;
  }

  /** The argument is one text, or a tuple of which any may match. */
  private static boolean any(String text, Object[] arguments, BiPredicate<String, String> matches) {
    if (arguments[0] instanceof List<?> choices) {
      return choices.stream().anyMatch(choice -> matches.test(text, String.valueOf(choice)));
    }
    return matches.test(text, string(arguments, 0));
  }

  /** What is left after so many words stays as it is, but for the space before it. */
  private static List<Object> words(String text, int limit) {
    List<Object> words = new ArrayList<>();
    int start = skip(text, 0, true);
    while (start < text.length()) {
      int end = words.size() == limit ? text.length() : skip(text, start, false);
      words.add(text.substring(start, end));
      start = skip(text, end, true);
    }
    return words;
  }

  private static List<Object> wordsFromRight(String text, int limit) {
    List<Object> words = new ArrayList<>();
    int end = skipBack(text, text.length(), true);
    while (end > 0) {
      int start = words.size() == limit ? 0 : skipBack(text, end, false);
      words.add(text.substring(start, end));
      end = skipBack(text, start, true);
    }
    Collections.reverse(words);
    return words;
  }

  /** The next place that is no space, or that is one. */
  private static int skip(String text, int from, boolean space) {
    int at = from;
    while (at < text.length() && strips(text.charAt(at), true, "") == space) {
      at++;
    }
    return at;
  }

  private static int skipBack(String text, int from, boolean space) {
    int at = from;
    while (at > 0 && strips(text.charAt(at - 1), true, "") == space) {
      at--;
    }
    return at;
  }

  private static List<Object> split(String text, Object[] arguments, boolean fromRight) {
    int limit = arguments != null && arguments.length > 1 ? number(arguments, 1) : -1;
    if (arguments == null || arguments.length == 0 || arguments[0] == null) {
      return fromRight ? wordsFromRight(text, limit) : words(text, limit);
    }
    String separator = string(arguments, 0);
    if (separator.isEmpty()) {
      throw new MethodNotFoundException("expected a separator that is not empty");
    }
    List<Object> parts = new ArrayList<>();
    int start = 0;
    int end = text.length();
    while (limit < 0 || parts.size() < limit) {
      int at =
          fromRight
              ? text.lastIndexOf(separator, end - separator.length())
              : text.indexOf(separator, start);
      if (at < 0) {
        break;
      }
      parts.add(
          fromRight ? text.substring(at + separator.length(), end) : text.substring(start, at));
      start = fromRight ? 0 : at + separator.length();
      end = fromRight ? at : end;
    }
    parts.add(text.substring(start, end));
    if (fromRight) {
      Collections.reverse(parts);
    }
    return parts;
  }

  private static String replace(String text, String from, String to, int count) {
    List<Object> parts = split(text, new Object[] {from, count}, false);
    return joined(parts.stream().map(String::valueOf).toList(), to);
  }

  private static String replace(String text, String from, String to) {
    long times = from.isEmpty() ? text.length() + 1L : count(text, from);
    requireLength(text.length() + times * (to.length() - (long) from.length()));
    return text.replace(from, to);
  }

  private static long count(String text, String part) {
    long count = 0;
    for (int at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length())) {
      count++;
    }
    return count;
  }

  private static String joined(List<String> parts, String separator) {
    long length = Math.max(0, parts.size() - 1L) * separator.length();
    for (String part : parts) {
      length += part.length();
    }
    requireLength(length);
    return String.join(separator, parts);
  }

  /** The result of a method counts for the bound of what a template may write. */
  private static void requireLength(long length) {
    if (length > JinjaEnvironment.MAX_OUTPUT_CHARACTERS) {
      throw new IllegalStateException("a text of " + length + " characters");
    }
  }

  private static String title(String text) {
    StringBuilder result = new StringBuilder();
    boolean inWord = false;
    for (char c : text.toCharArray()) {
      result.append(inWord ? Character.toLowerCase(c) : Character.toTitleCase(c));
      inWord = Character.isLetter(c);
    }
    return result.toString();
  }
}
