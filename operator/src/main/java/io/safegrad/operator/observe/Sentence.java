package io.safegrad.operator.observe;

/** Foreign text made fit for a status, an event or a log. */
public final class Sentence {

  private static final int LONGEST = 1024;

  private Sentence() {}

  /** One line of bounded length without control characters; null stays null. */
  public static String of(String text) {
    return of(text, LONGEST);
  }

  /** The same with a length of one's own. */
  public static String of(String text, int longest) {
    if (text == null) {
      return null;
    }
    String line = text.replaceAll("\\p{Cntrl}+", " ").strip();
    return line.length() <= longest ? line : line.substring(0, longest - 1) + "…";
  }
}
