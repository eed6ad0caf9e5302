package io.safegrad.trainer.data;

import java.util.ArrayList;
import java.util.List;

/**
 * The text of tokens as they come. A character whose bytes are in several tokens is held back until
 * it is whole.
 */
public final class StreamedText {

  private static final char INCOMPLETE = '\ufffd';

  private final Tokenizer tokenizer;
  private final List<Integer> ids = new ArrayList<>();
  private String given = "";

  public StreamedText(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /** Takes one more token and returns the text that it makes certain; may be empty. */
  public String add(int id) {
    ids.add(id);
    String text = text();
    int end = text.length();
    while (end > 0 && text.charAt(end - 1) == INCOMPLETE) {
      end--;
    }
    // What was given stays given, although a decoder may see it otherwise with more tokens.
    String more = end > given.length() ? text.substring(given.length(), end) : "";
    given += more;
    return more;
  }

  /** What was held back, once no token follows. */
  public String end() {
    String text = text();
    return text.length() > given.length() ? text.substring(given.length()) : "";
  }

  /** The text of all tokens so far. */
  public String text() {
    return tokenizer.decode(ids.stream().mapToInt(Integer::intValue).toArray());
  }
}
