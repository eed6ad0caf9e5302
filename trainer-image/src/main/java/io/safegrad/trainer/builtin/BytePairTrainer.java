package io.safegrad.trainer.builtin;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Learns a byte-level BPE vocabulary as GPT-2's was (Sennrich et al., 1508.07909; Radford et al.,
 * 2019) and writes it in the form of Hugging Face's tokenizer.json. The same texts give the same
 * file.
 */
final class BytePairTrainer {

  /** How GPT-2 cuts text into words, before bytes are merged within each. */
  private static final Pattern WORDS =
      Pattern.compile(
          "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+");

  private static final ObjectMapper JSON = new ObjectMapper();

  private final List<String> specialTokens;
  private final int vocabularySize;

  /**
   * @param specialTokens tokens that stand for no text; they get the first ids, in this order
   * @param vocabularySize special tokens, the 256 bytes, and merges
   */
  BytePairTrainer(List<String> specialTokens, int vocabularySize) {
    this.specialTokens = specialTokens;
    this.vocabularySize = vocabularySize;
  }

  /** The content of tokenizer.json for a vocabulary learned from these texts. */
  ObjectNode train(List<String> texts) {
    List<String> vocabulary = new ArrayList<>(specialTokens);
    for (int value = 0; value < 256; value++) {
      vocabulary.add(symbol(value));
    }
    Map<List<String>, Integer> words = countWords(texts);
    List<String> merges = new ArrayList<>();
    while (vocabulary.size() < vocabularySize) {
      List<String> pair = mostFrequentPair(words);
      vocabulary.add(pair.get(0) + pair.get(1));
      merges.add(pair.get(0) + " " + pair.get(1));
      words = merge(words, pair);
    }
    return tokenizerJson(vocabulary, merges);
  }

  private static Map<List<String>, Integer> countWords(List<String> texts) {
    Map<String, Integer> counts = new TreeMap<>();
    for (String text : texts) {
      Matcher matcher = WORDS.matcher(text);
      while (matcher.find()) {
        counts.merge(matcher.group(), 1, Integer::sum);
      }
    }
    Map<List<String>, Integer> words = new LinkedHashMap<>();
    counts.forEach(
        (word, count) -> {
          List<String> symbols = new ArrayList<>();
          for (byte b : word.getBytes(StandardCharsets.UTF_8)) {
            symbols.add(symbol(Byte.toUnsignedInt(b)));
          }
          words.put(symbols, count);
        });
    return words;
  }

  /** Of equally frequent pairs the first in the order of their text. */
  private static List<String> mostFrequentPair(Map<List<String>, Integer> words) {
    Map<String, Integer> counts = new TreeMap<>();
    words.forEach(
        (symbols, count) -> {
          for (int i = 0; i + 1 < symbols.size(); i++) {
            counts.merge(symbols.get(i) + " " + symbols.get(i + 1), count, Integer::sum);
          }
        });
    String best = null;
    for (Map.Entry<String, Integer> entry : counts.entrySet()) {
      if (best == null || entry.getValue() > counts.get(best)) {
        best = entry.getKey();
      }
    }
    if (best == null) {
      throw new IllegalArgumentException("the texts hold too few words for this vocabulary");
    }
    return List.of(best.split(" "));
  }

  private static Map<List<String>, Integer> merge(
      Map<List<String>, Integer> words, List<String> pair) {
    Map<List<String>, Integer> merged = new LinkedHashMap<>();
    words.forEach(
        (symbols, count) -> {
          List<String> shorter = new ArrayList<>();
          for (int i = 0; i < symbols.size(); i++) {
            if (i + 1 < symbols.size() && symbols.subList(i, i + 2).equals(pair)) {
              shorter.add(pair.get(0) + pair.get(1));
              i++;
            } else {
              shorter.add(symbols.get(i));
            }
          }
          merged.merge(shorter, count, Integer::sum);
        });
    return merged;
  }

  /**
   * The printable character that GPT-2 writes for a byte: itself where it is visible, else one of
   * those from U+0100 on.
   */
  private static String symbol(int value) {
    int hidden = 0;
    for (int lower = 0; lower < value; lower++) {
      hidden += isVisible(lower) ? 0 : 1;
    }
    return Character.toString(isVisible(value) ? value : 0x100 + hidden);
  }

  private static boolean isVisible(int value) {
    return value >= '!' && value <= '~' || value >= 0xA1 && value <= 0xFF && value != 0xAD;
  }

  private ObjectNode tokenizerJson(List<String> vocabulary, List<String> merges) {
    ObjectNode root = JSON.createObjectNode().put("version", "1.0");
    root.putNull("truncation").putNull("padding");
    ArrayNode added = root.putArray("added_tokens");
    for (int id = 0; id < specialTokens.size(); id++) {
      added
          .addObject()
          .put("id", id)
          .put("content", specialTokens.get(id))
          .put("single_word", false)
          .put("lstrip", false)
          .put("rstrip", false)
          .put("normalized", false)
          .put("special", true);
    }
    root.putNull("normalizer");
    root.set("pre_tokenizer", byteLevel());
    root.putNull("post_processor");
    root.set("decoder", byteLevel());
    ObjectNode model = root.putObject("model").put("type", "BPE");
    model.putNull("dropout").putNull("unk_token");
    model.putNull("continuing_subword_prefix").putNull("end_of_word_suffix");
    model.put("fuse_unk", false).put("byte_fallback", false).put("ignore_merges", false);
    ObjectNode ids = model.putObject("vocab");
    for (int id = 0; id < vocabulary.size(); id++) {
      ids.put(vocabulary.get(id), id);
    }
    merges.forEach(model.putArray("merges")::add);
    return root;
  }

  private static ObjectNode byteLevel() {
    return JSON.createObjectNode()
        .put("type", "ByteLevel")
        .put("add_prefix_space", false)
        .put("trim_offsets", true)
        .put("use_regex", true);
  }
}
