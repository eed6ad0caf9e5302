package io.safegrad.trainer.weights;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A GGUF file's vocabulary as the {@code tokenizer.json} of Hugging Face's tokenizers. */
final class GgufTokenizer {

  // llama_token_type
  private static final long UNKNOWN = 2;
  private static final long CONTROL = 3;
  private static final long USER_DEFINED = 4;

  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final TensorFile file;
  private final GgufMetadata metadata;
  private final List<String> tokens;
  private final ObjectNode root = JSON.objectNode();
  private final ObjectNode model = root.putObject("model");

  private GgufTokenizer(TensorFile file, GgufMetadata metadata) {
    this.file = file;
    this.metadata = metadata;
    this.tokens = metadata.list("tokenizer.ggml.tokens", String.class);
  }

  /**
   * The tokenizer.
   *
   * @throws TrainerException with BAD_PLAN for a vocabulary that is neither GPT-2's kind of BPE
   *     with a known pre-tokenizer nor a Llama's SentencePiece; with BAD_DATA for a missing field
   */
  static ObjectNode read(TensorFile file, GgufMetadata metadata) {
    GgufTokenizer tokenizer = new GgufTokenizer(file, metadata);
    String kind = metadata.text("tokenizer.ggml.model");
    switch (kind) {
      case "gpt2" -> tokenizer.byteLevelBpe();
      case "llama" -> tokenizer.sentencePiece();
      default ->
          throw tokenizer.unsupported(
              "the vocabulary " + kind + " is not supported; expected gpt2 or llama");
    }
    tokenizer.addedTokens();
    tokenizer.beginOfSequence();
    return tokenizer.root;
  }

  private void byteLevelBpe() {
    String name = metadata.optionalText("tokenizer.ggml.pre").orElse("default");
    GgufPreTokenizer pre =
        GgufPreTokenizer.named(name)
            .orElseThrow(
                () ->
                    unsupported(
                        "the pre-tokenizer %s is not supported; expected one of %s"
                            .formatted(name, String.join(", ", GgufPreTokenizer.supported()))));
    model.put("ignore_merges", pre.ignoreMerges());
    if (pre.normalised()) {
      root.putObject("normalizer").put("type", "NFC");
    }
    root.putObject("pre_tokenizer").put("type", "Sequence").set("pretokenizers", pre.steps());
    root.set("decoder", GgufPreTokenizer.byteLevel(true));
    bpe(metadata.list("tokenizer.ggml.merges", String.class));
  }

  /**
   * SentencePiece's BPE as Hugging Face converts it: pieces with ▁ for a space, bytes as a
   * fallback, and every pair of pieces that makes up a piece as a merge, best score first.
   */
  private void sentencePiece() {
    if (metadata.flag("tokenizer.ggml.remove_extra_whitespaces", false)) {
      throw unsupported("a vocabulary that removes extra spaces is not supported");
    }
    model.put("byte_fallback", true);
    model.put("fuse_unk", true);
    model.put("ignore_merges", false);
    boolean spacePrefix = metadata.flag("tokenizer.ggml.add_space_prefix", true);
    ObjectNode normalizer = root.putObject("normalizer").put("type", "Sequence");
    ArrayNode normalizers = normalizer.putArray("normalizers");
    if (spacePrefix) {
      normalizers.addObject().put("type", "Prepend").put("prepend", "▁");
    }
    normalizers.add(replace(" ", "▁"));
    ObjectNode decoder = root.putObject("decoder").put("type", "Sequence");
    ArrayNode decoders = decoder.putArray("decoders");
    decoders.add(replace("▁", " "));
    decoders.addObject().put("type", "ByteFallback");
    decoders.addObject().put("type", "Fuse");
    if (spacePrefix) {
      decoders.addObject().put("type", "Strip").put("content", " ").put("start", 1).put("stop", 0);
    }
    model.put("unk_token", tokens.get(tokenId("tokenizer.ggml.unknown_token_id", 0)));
    bpe(merges(metadata.list("tokenizer.ggml.scores", Double.class)));
  }

  private static ObjectNode replace(String from, String to) {
    ObjectNode replace = JSON.objectNode().put("type", "Replace");
    replace.putObject("pattern").put("String", from);
    return replace.put("content", to);
  }

  private record Merge(String left, String right, int leftId, int rightId, double score) {}

  private List<String> merges(List<Double> scores) {
    if (scores.size() != tokens.size()) {
      throw TensorFile.badData(
          file.path(),
          "field tokenizer.ggml.scores: expected "
              + tokens.size()
              + " scores, found "
              + scores.size());
    }
    Map<String, Integer> ids = new HashMap<>();
    for (int id = 0; id < tokens.size(); id++) {
      ids.put(tokens.get(id), id);
    }
    List<Merge> merges = new ArrayList<>();
    for (int id = 0; id < tokens.size(); id++) {
      String piece = tokens.get(id);
      int[] ends = piece.codePoints().map(Character::charCount).toArray();
      for (int character = 0, at = 0; character < ends.length - 1; character++) {
        at += ends[character];
        String left = piece.substring(0, at);
        String right = piece.substring(at);
        if (ids.containsKey(left) && ids.containsKey(right)) {
          merges.add(new Merge(left, right, ids.get(left), ids.get(right), scores.get(id)));
        }
      }
    }
    merges.sort(
        Comparator.comparingDouble((Merge merge) -> -merge.score)
            .thenComparingInt(Merge::leftId)
            .thenComparingInt(Merge::rightId));
    return merges.stream().map(merge -> merge.left + " " + merge.right).toList();
  }

  private void bpe(List<String> merges) {
    model.put("type", "BPE");
    ObjectNode vocabulary = model.putObject("vocab");
    for (int id = 0; id < tokens.size(); id++) {
      vocabulary.put(tokens.get(id), id);
    }
    if (vocabulary.size() != tokens.size()) {
      throw TensorFile.badData(
          file.path(), "field tokenizer.ggml.tokens: expected different tokens, found one twice");
    }
    ArrayNode list = model.putArray("merges");
    for (String merge : merges) {
      // A piece may hold spaces, never at its end: the first space after the first character parts.
      int space = merge.indexOf(' ', 1);
      if (space < 0 || space == merge.length() - 1) {
        throw TensorFile.badData(
            file.path(), "field tokenizer.ggml.merges: expected two tokens with a space between");
      }
      list.addArray().add(merge.substring(0, space)).add(merge.substring(space + 1));
    }
  }

  private void addedTokens() {
    ArrayNode added = root.putArray("added_tokens");
    if (!metadata.has("tokenizer.ggml.token_type")) {
      return;
    }
    List<Long> types = metadata.list("tokenizer.ggml.token_type", Long.class);
    if (types.size() != tokens.size()) {
      throw TensorFile.badData(
          file.path(),
          "field tokenizer.ggml.token_type: expected "
              + tokens.size()
              + " types, found "
              + types.size());
    }
    for (int id = 0; id < tokens.size(); id++) {
      long type = types.get(id);
      if (type == CONTROL || type == UNKNOWN || type == USER_DEFINED) {
        added
            .addObject()
            .put("id", id)
            .put("content", tokens.get(id))
            .put("single_word", false)
            .put("lstrip", false)
            .put("rstrip", false)
            .put("normalized", false)
            .put("special", type != USER_DEFINED);
      }
    }
  }

  private void beginOfSequence() {
    boolean sentencePiece = metadata.text("tokenizer.ggml.model").equals("llama");
    if (!metadata.flag("tokenizer.ggml.add_bos_token", sentencePiece)
        || !metadata.has("tokenizer.ggml.bos_token_id")) {
      return;
    }
    int id = tokenId("tokenizer.ggml.bos_token_id", 0);
    String token = tokens.get(id);
    ObjectNode processor = root.putObject("post_processor").put("type", "TemplateProcessing");
    processor.set("single", JSON.arrayNode().add(special(token)).add(sequence("A", 0)));
    processor.set(
        "pair", JSON.arrayNode().add(special(token)).add(sequence("A", 0)).add(sequence("B", 1)));
    ObjectNode entry = processor.putObject("special_tokens").putObject(token).put("id", token);
    entry.putArray("ids").add(id);
    entry.putArray("tokens").add(token);
  }

  private static ObjectNode special(String token) {
    ObjectNode item = JSON.objectNode();
    item.putObject("SpecialToken").put("id", token).put("type_id", 0);
    return item;
  }

  private static ObjectNode sequence(String id, int typeId) {
    ObjectNode item = JSON.objectNode();
    item.putObject("Sequence").put("id", id).put("type_id", typeId);
    return item;
  }

  private int tokenId(String key, int fallback) {
    long id = metadata.integer(key, fallback);
    if (id < 0 || id >= tokens.size()) {
      throw TensorFile.badData(
          file.path(),
          "field " + key + ": expected a token id below " + tokens.size() + ", found " + id);
    }
    return (int) id;
  }

  private TrainerException unsupported(String message) {
    return new TrainerException(ExitReason.BAD_PLAN, file.path() + ": " + message);
  }
}
