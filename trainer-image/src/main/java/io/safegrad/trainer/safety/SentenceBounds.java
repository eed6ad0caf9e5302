package io.safegrad.trainer.safety;

/** Where sentences begin and end, as far as signs, lines and capital letters tell. */
final class SentenceBounds {

  private static final String ENDS = ".!?:;…。！？：；";

  /** Tokens of a chat template end with one of the first, and begin with one of the others. */
  private static final String MARKUP_ENDS = ">]";

  private static final String MARKUP_BEGINS = "<[";

  private SentenceBounds() {}

  static boolean isWord(String piece) {
    return !piece.isEmpty() && Character.isLetterOrDigit(piece.codePointAt(0));
  }

  /** Whether a text goes on as a sentence begins. */
  static boolean beginsSentence(String next) {
    return !next.isEmpty() && Character.isUpperCase(next.codePointAt(0));
  }

  /** Whether a text stops as a sentence ends. */
  static boolean endsSentence(String last) {
    return !last.isEmpty() && isIn(ENDS, last.charAt(last.length() - 1));
  }

  /** As much of a text's beginning as leaves out the sentence that is not whole. */
  static String wholeBefore(String text) {
    int end = text.length();
    while (end > 0 && !sentenceBeginsAt(text, end)) {
      end--;
    }
    return text.substring(0, end);
  }

  private static boolean sentenceBeginsAt(String text, int index) {
    int last = index - 1;
    boolean line = false;
    while (last >= 0 && Character.isWhitespace(text.charAt(last))) {
      line |= text.charAt(last) == '\n';
      last--;
    }
    if (line || last < 0) {
      return true;
    }
    char sign = text.charAt(last);
    // A point without a space after it is no end, unless the script has no spaces.
    return isIn(MARKUP_ENDS, sign) || isIn(ENDS, sign) && (last < index - 1 || sign > 'ÿ');
  }

  /** As much of a text's end as leaves out the sentence that is not whole. */
  static String wholeAfter(String text) {
    int start = 0;
    while (start < text.length() && !sentenceEndsBefore(text, start)) {
      start++;
    }
    return text.substring(start);
  }

  private static boolean sentenceEndsBefore(String text, int index) {
    char first = text.charAt(index);
    if (first == '\n' || isIn(MARKUP_BEGINS, first)) {
      return true;
    }
    return index > 0
        && isIn(ENDS, text.charAt(index - 1))
        && (Character.isWhitespace(first) || text.charAt(index - 1) > 'ÿ');
  }

  private static boolean isIn(String signs, char sign) {
    return signs.indexOf(sign) >= 0;
  }
}
