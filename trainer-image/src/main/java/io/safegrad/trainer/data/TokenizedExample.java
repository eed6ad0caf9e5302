package io.safegrad.trainer.data;

import java.util.List;
import java.util.stream.IntStream;

/**
 * One example as the model sees it.
 *
 * @param inputIds token ids of prompt and response
 * @param labels as long as inputIds: the token's own id where it is trained on, {@value #IGNORED}
 *     elsewhere; the model shifts them by one, as in Hugging Face transformers
 * @param line line of the source file, from 1
 */
public record TokenizedExample(int[] inputIds, int[] labels, int line) {

  /** The label of a token that is not trained on. */
  public static final int IGNORED = -100;

  public TokenizedExample {
    if (inputIds.length == 0 || inputIds.length != labels.length) {
      throw new IllegalArgumentException(
          "an example needs as many labels as input ids, and at least one: found "
              + labels.length
              + " and "
              + inputIds.length);
    }
  }

  public int length() {
    return inputIds.length;
  }

  /** Tokens before the first that is trained on; all of them where none is. */
  public int promptLength() {
    return (int) IntStream.of(labels).takeWhile(label -> label == IGNORED).count();
  }

  /** Tokens of each example. */
  public static int[] lengths(List<TokenizedExample> examples) {
    return examples.stream().mapToInt(TokenizedExample::length).toArray();
  }
}
