package io.safegrad.api;

import java.util.regex.Pattern;

/**
 * A message for the user as one line. Messages name tensors, tokens and fields of files that come
 * from elsewhere; whatever is in these names, a message cannot fill a log or forge lines in it.
 */
public final class OneLine {

  /** Longest message; a longer one is cut. */
  public static final int MAX_CHARACTERS = 1000;

  private static final Pattern LINE_ENDS = Pattern.compile("\\s*[\\r\\n\\u2028\\u2029]+\\s*");

  private OneLine() {}

  /**
   * The message with line ends as a space, and other signs that are not printed as question marks.
   */
  public static String of(String words) {
    String message = LINE_ENDS.matcher(words).replaceAll(" ").strip();
    StringBuilder line = new StringBuilder(Math.min(message.length(), MAX_CHARACTERS));
    message
        .codePoints()
        .limit(MAX_CHARACTERS)
        .forEach(sign -> line.appendCodePoint(isPrinted(sign) ? sign : '?'));
    return message.codePointCount(0, message.length()) > MAX_CHARACTERS
        ? line + "…"
        : line.toString();
  }

  private static boolean isPrinted(int sign) {
    return switch (Character.getType(sign)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.SURROGATE,
          Character.UNASSIGNED ->
          false;
      default -> true;
    };
  }
}
