package io.safegrad.trainer.export;

import com.fasterxml.jackson.databind.JsonNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.weights.GgufPreTokenizer;
import io.safegrad.trainer.weights.PretrainedModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A model's {@code tokenizer.json} as the metadata of a GGUF file: the vocabulary, its special
 * tokens and the chat template.
 */
final class GgufVocabulary {

  private static final String PREFIX = "tokenizer.ggml.";

  // llama_token_type
  private static final int NORMAL = 1;
  private static final int UNKNOWN = 2;
  private static final int CONTROL = 3;
  private static final int USER_DEFINED = 4;
  private static final int UNUSED = 5;
  private static final int BYTE = 6;

  /** Keys for the tokens that end a reply, in the order they are given out. */
  private static final List<String> END_KEYS =
      List.of("eos_token_id", "eot_token_id", "eom_token_id");

  /** Phi-3's tokens behind which whitespace stays. */
  private static final Set<String> KEEP = Set.of("<unk>", "<s>", "<|endoftext|>");

  private final JsonNode tokenizer;
  private final JsonNode tokenizerConfig;
  private final PretrainedModel model;
  private final Map<String, Integer> ids = new HashMap<>();
  private final List<String> tokens = new ArrayList<>();
  private final List<Integer> types = new ArrayList<>();
  private final Map<String, Object> fields = new LinkedHashMap<>();

  private GgufVocabulary(PretrainedModel model) {
    this.model = model;
    this.tokenizer = CompanionFiles.json(model, "tokenizer.json");
    this.tokenizerConfig = CompanionFiles.json(model, "tokenizer_config.json");
  }

  /**
   * The metadata.
   *
   * @param rows of the embedding, of which each has a token in the file
   * @throws TrainerException with BAD_PLAN for a vocabulary that llama.cpp would cut in another
   *     way, with BAD_DATA for one that has more tokens than the model
   */
  static Map<String, Object> fields(PretrainedModel model, int rows) {
    GgufVocabulary vocabulary = new GgufVocabulary(model);
    vocabulary.readTokens(rows);
    if (vocabulary.tokenizer.path("model").path("byte_fallback").asBoolean(false)) {
      vocabulary.sentencePiece();
    } else {
      vocabulary.byteLevelBpe();
    }
    vocabulary.specialTokens();
    return vocabulary.fields;
  }

  private void readTokens(int rows) {
    JsonNode model = tokenizer.path("model");
    if (!model.path("type").asText("BPE").equals("BPE")) {
      throw unsupported("its kind is " + model.path("type").asText() + "; expected BPE");
    }
    tokens.addAll(Collections.nCopies(rows, null));
    types.addAll(Collections.nCopies(rows, NORMAL));
    model
        .path("vocab")
        .properties()
        .forEach(token -> put(token.getKey(), token.getValue().asInt()));
    for (JsonNode added : tokenizer.path("added_tokens")) {
      int id = added.path("id").asInt();
      put(added.path("content").asText(), id);
      types.set(id, added.path("special").asBoolean() ? CONTROL : USER_DEFINED);
    }
    for (int id = 0; id < rows; id++) {
      if (tokens.get(id) == null) {
        tokens.set(id, "[PAD" + id + "]");
        types.set(id, UNUSED);
      }
    }
  }

  private void put(String token, int id) {
    if (id < 0 || id >= tokens.size()) {
      throw new TrainerException(
          ExitReason.BAD_DATA,
          "tokenizer.json: expected token ids below the model's vocab_size of %d, found %d"
              .formatted(tokens.size(), id));
    }
    tokens.set(id, token);
    ids.put(token, id);
  }

  private void byteLevelBpe() {
    JsonNode normalizer = tokenizer.path("normalizer");
    if (normalizer.isObject() && !normalizer.path("type").asText().equals("NFC")) {
      throw unsupported("it normalises text by " + normalizer.path("type").asText());
    }
    GgufPreTokenizer pre =
        GgufPreTokenizer.of(tokenizer.path("pre_tokenizer"))
            .orElseThrow(
                () -> unsupported("its pre_tokenizer is none of " + GgufPreTokenizer.supported()));
    fields.put(PREFIX + "model", "gpt2");
    fields.put(PREFIX + "pre", pre.names().get(0));
    fields.put(PREFIX + "tokens", tokens);
    fields.put(PREFIX + "token_type", types);
    fields.put(PREFIX + "merges", merges().stream().map(pair -> String.join(" ", pair)).toList());
  }

  /** A Llama 2's: pieces with ▁ for a space, of which the one that was merged first is best. */
  private void sentencePiece() {
    JsonNode metaspace = tokenizer.path("pre_tokenizer");
    boolean prepends = tokenizer.path("normalizer").toString().contains("\"Prepend\"");
    if (metaspace.path("type").asText().equals("Metaspace")) {
      prepends = !metaspace.path("prepend_scheme").asText("always").equals("never");
    } else if (metaspace.isObject() && !splitsAtSpaces(metaspace)) {
      throw unsupported("its pre_tokenizer is " + metaspace.path("type").asText());
    }
    String unknown = tokenizer.path("model").path("unk_token").asText();
    for (int id = 0; id < tokens.size(); id++) {
      if (tokens.get(id).equals(unknown)) {
        types.set(id, UNKNOWN);
      } else if (tokens.get(id).matches("<0x[0-9A-F]{2}>")) {
        types.set(id, BYTE);
      }
    }
    fields.put(PREFIX + "model", "llama");
    fields.put(PREFIX + "tokens", tokens);
    fields.put(PREFIX + "scores", scores());
    fields.put(PREFIX + "token_type", types);
    fields.put(PREFIX + "add_space_prefix", prepends);
    if (ids.containsKey(unknown)) {
      fields.put(PREFIX + "unknown_token_id", (long) ids.get(unknown));
    }
  }

  /** Gemma's, which does nothing: there are no spaces any more. */
  private boolean splitsAtSpaces(JsonNode preTokenizer) {
    return preTokenizer.path("type").asText().equals("Split")
        && preTokenizer.path("pattern").path("String").asText().equals(" ")
        && tokenizer.path("normalizer").toString().contains("\"Replace\"");
  }

  /**
   * Whether special tokens take away the whitespace behind them, all but those of {@link #KEEP}.
   */
  static boolean isPhi3s(PretrainedModel model) {
    Set<String> keep = new HashSet<>();
    boolean strips = false;
    for (JsonNode token : CompanionFiles.json(model, "tokenizer.json").path("added_tokens")) {
      boolean rstrip = token.path("rstrip").asBoolean();
      strips |= rstrip;
      if (!rstrip) {
        keep.add(token.path("content").asText());
      }
    }
    return strips && keep.containsAll(KEEP);
  }

  private List<Double> scores() {
    // Pieces that no merge makes are single characters and bytes, whose score is never looked at.
    List<Double> scores = new ArrayList<>(Collections.nCopies(tokens.size(), 0.0));
    boolean[] merged = new boolean[tokens.size()];
    double score = 0;
    for (List<String> pair : merges()) {
      Integer id = ids.get(String.join("", pair));
      if (id != null && !merged[id]) {
        merged[id] = true;
        scores.set(id, --score);
      }
    }
    return scores;
  }

  /** Pairs of tokens, as a list since tokenizers 0.20, before that as a text with a space. */
  private List<List<String>> merges() {
    List<List<String>> merges = new ArrayList<>();
    for (JsonNode merge : tokenizer.path("model").path("merges")) {
      merges.add(
          merge.isArray()
              ? List.of(merge.path(0).asText(), merge.path(1).asText())
              : Arrays.asList(merge.asText().split(" ", 2)));
    }
    return merges;
  }

  private void specialTokens() {
    put("bos_token_id", "bos_token");
    put("padding_token_id", "pad_token");
    Set<Integer> ends = new LinkedHashSet<>();
    model.tokenizer().endOfSequenceId().ifPresent(ends::add);
    model.endOfSequenceIds().stream().sorted().forEach(ends::add);
    List<Integer> inOrder = List.copyOf(ends);
    for (int i = 0; i < Math.min(END_KEYS.size(), inOrder.size()); i++) {
      fields.put(PREFIX + END_KEYS.get(i), (long) inOrder.get(i));
    }
    fields.put(PREFIX + "add_bos_token", model.tokenizer().textStart().length > 0);
    CompanionFiles.chatTemplate(model)
        .ifPresent(text -> fields.put("tokenizer.chat_template", text));
  }

  private void put(String key, String name) {
    JsonNode token = tokenizerConfig.path(name);
    Integer id = ids.get(token.isObject() ? token.path("content").asText() : token.asText());
    if (id != null) {
      fields.put(PREFIX + key, (long) id);
    }
  }

  private static TrainerException unsupported(String why) {
    return new TrainerException(
        ExitReason.BAD_PLAN, "tokenizer.json: this vocabulary cannot be written as GGUF: " + why);
  }
}
