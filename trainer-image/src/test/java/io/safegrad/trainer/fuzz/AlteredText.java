package io.safegrad.trainer.fuzz;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Alters text word by word: words and runs of signs are replaced, left out, repeated, or taken from
 * another input or from a list.
 *
 * @param words what else may stand in an input
 */
record AlteredText(List<String> words) implements Alteration {

  @Override
  public byte[] of(byte[] input, byte[] other, SplittableRandom random) {
    String text = new String(input, StandardCharsets.UTF_8);
    String otherText = new String(other, StandardCharsets.UTF_8);
    for (int i = random.nextInt(4); i >= 0; i--) {
      text = once(text, otherText, random);
    }
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private String once(String text, String other, SplittableRandom random) {
    int start = wordStart(text, random.nextInt(text.length() + 1));
    int end = wordEnd(text, start);
    String word = words.get(random.nextInt(words.size()));
    String middle =
        switch (random.nextInt(6)) {
          case 0, 1 -> word;
          case 2 -> {
            end = start;
            yield word;
          }
          case 3 -> "";
          case 4 -> {
            int times = 1 << random.nextInt(random.nextInt(10) == 0 ? 14 : 4);
            int room = Alteration.MAX_BYTES / Math.max(1, end - start);
            yield text.substring(start, end).repeat(Math.min(times, room));
          }
          default -> {
            int from = wordStart(other, random.nextInt(other.length() + 1));
            yield other.substring(from, Math.min(other.length(), from + (1 << random.nextInt(8))));
          }
        };
    return text.substring(0, start) + middle + text.substring(end);
  }

  private static int wordStart(String text, int at) {
    int start = at;
    while (start > 0 && start < text.length() && same(text, start - 1, start)) {
      start--;
    }
    return start;
  }

  private static int wordEnd(String text, int start) {
    int end = Math.min(text.length(), start + 1);
    while (end < text.length() && same(text, end - 1, end)) {
      end++;
    }
    return end;
  }

  private static boolean same(String text, int one, int next) {
    return Character.isLetterOrDigit(text.charAt(one))
        == Character.isLetterOrDigit(text.charAt(next));
  }
}
