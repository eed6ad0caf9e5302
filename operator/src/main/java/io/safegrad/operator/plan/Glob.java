package io.safegrad.operator.plan;

import java.util.Arrays;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The patterns of a SafetyPolicy. */
final class Glob {

  private Glob() {}

  /**
   * Whether the text is the pattern, {@code *} standing for any characters, and leads nowhere up.
   */
  static boolean matches(String glob, String text) {
    String expression =
        Arrays.stream(glob.split("\\*", -1)).map(Pattern::quote).collect(Collectors.joining(".*"));
    boolean leadsUp = Arrays.asList(text.split("/")).contains("..");
    return !leadsUp && Pattern.compile(expression).matcher(text).matches();
  }
}
