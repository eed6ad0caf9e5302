package io.safegrad.trainer.weights;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * How a vocabulary of GPT-2's kind cuts text into words before it merges bytes. A GGUF file names
 * it in {@code tokenizer.ggml.pre}, a {@code tokenizer.json} spells it out.
 *
 * @param names those that llama.cpp knows it by, the one to write first
 * @param ignoreMerges whether a word that is a token is never taken apart
 * @param normalised whether text is brought into Unicode's form NFC first
 * @param steps the pre-tokenizers of {@code tokenizer.json}
 */
public record GgufPreTokenizer(
    List<String> names, boolean ignoreMerges, boolean normalised, ArrayNode steps) {

  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private static final String LLAMA3_SPLIT =
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
          + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

  private static final String QWEN2_SPLIT = LLAMA3_SPLIT.replace("\\p{N}{1,3}", "\\p{N}");

  private static final String TEKKEN_SPLIT =
      "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+"
          + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+"
          + "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*"
          + "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

  private static final List<GgufPreTokenizer> ALL =
      List.of(
          new GgufPreTokenizer(List.of("gpt-2", "gpt2"), false, false, steps(byteLevel(true))),
          new GgufPreTokenizer(
              List.of("llama-bpe", "llama3", "llama-v3"),
              true,
              false,
              steps(split(LLAMA3_SPLIT), byteLevel(false))),
          new GgufPreTokenizer(
              List.of("qwen2"), false, true, steps(split(QWEN2_SPLIT), byteLevel(false))),
          new GgufPreTokenizer(
              List.of("smollm"), false, false, steps(individualDigits(), byteLevel(true))),
          new GgufPreTokenizer(
              List.of("tekken"), true, false, steps(split(TEKKEN_SPLIT), byteLevel(false))));

  /** The one that a GGUF file names. */
  static Optional<GgufPreTokenizer> named(String name) {
    return ALL.stream().filter(each -> each.names.contains(name)).findFirst();
  }

  /**
   * The one that a {@code tokenizer.json} spells out.
   *
   * @param preTokenizer its field {@code pre_tokenizer}
   */
  public static Optional<GgufPreTokenizer> of(JsonNode preTokenizer) {
    List<String> steps = meaning(preTokenizer);
    return ALL.stream().filter(each -> meaning(each.steps).equals(steps)).findFirst();
  }

  /** The names that are written. */
  public static List<String> supported() {
    return ALL.stream().map(each -> each.names.get(0)).toList();
  }

  static ObjectNode byteLevel(boolean useRegex) {
    return JSON.objectNode()
        .put("type", "ByteLevel")
        .put("add_prefix_space", false)
        .put("trim_offsets", true)
        .put("use_regex", useRegex);
  }

  private static ObjectNode split(String regex) {
    ObjectNode split = JSON.objectNode().put("type", "Split");
    split.putObject("pattern").put("Regex", regex);
    return split.put("behavior", "Isolated").put("invert", false);
  }

  private static ObjectNode individualDigits() {
    return JSON.objectNode().put("type", "Digits").put("individual_digits", true);
  }

  private static ArrayNode steps(ObjectNode... steps) {
    ArrayNode list = JSON.arrayNode();
    for (ObjectNode step : steps) {
      list.add(step);
    }
    return list;
  }

  /** What each step does to a text; offsets and defaults, which do nothing to it, are left out. */
  private static List<String> meaning(JsonNode node) {
    List<String> steps = new ArrayList<>();
    JsonNode list = node.isArray() ? node : node.path("pretokenizers");
    for (JsonNode step : list.isArray() ? list : JSON.arrayNode().add(node)) {
      steps.add(
          switch (step.path("type").asText()) {
            case "ByteLevel" ->
                "ByteLevel %s %s"
                    .formatted(
                        step.path("add_prefix_space").asBoolean(true),
                        step.path("use_regex").asBoolean(true));
            case "Digits" -> "Digits " + step.path("individual_digits").asBoolean(false);
            case "Split" ->
                "Split %s %s %s"
                    .formatted(
                        step.path("pattern").path("Regex").asText(),
                        step.path("behavior").asText(),
                        step.path("invert").asBoolean(false));
            default -> step.toString();
          });
    }
    return steps;
  }
}
