package io.safegrad.operator.observe;

/** Foreign text made fit for a status, an event or a log. */
public final class Sentence {

  private static final int LONGEST = 1024;

  private Sentence() {}

  /** One line of bounded length without control characters; null stays null. */
  public static String of(String text) {
    if (text == null) {
      return null;
    }
    String line = text.replaceAll("\\p{Cntrl}+", " ").strip();
    return line.length() <= LONGEST ? line : line.substring(0, LONGEST - 1) + "…";
  }
}
