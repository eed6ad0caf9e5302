package io.safegrad.trainer.data;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.tensor.Torch;
import java.io.ByteArrayInputStream;
import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** A model's vocabulary: text to token ids and back. Safe for use by several threads. */
public final class Tokenizer implements Closeable {

  /** The tokenizers library gives up at 128. */
  private static final int MAX_DEPTH = 64;

  private final HuggingFaceTokenizer tokenizer;
  private final Path source;
  private final Set<Integer> specialIds;
  private final OptionalInt endOfSequenceId;
  private final int[] textStart;

  private Tokenizer(
      HuggingFaceTokenizer tokenizer,
      Path source,
      Set<Integer> specialIds,
      OptionalInt endOfSequenceId,
      int[] textStart) {
    this.tokenizer = tokenizer;
    this.source = source;
    this.specialIds = specialIds;
    this.endOfSequenceId = endOfSequenceId;
    this.textStart = textStart;
  }

  /**
   * Builds a tokenizer from the content of a Hugging Face {@code tokenizer.json}.
   *
   * @param source names the file in errors
   * @param bosToken the text of the token that starts a sequence
   * @param eosToken the text of the token that ends a sequence
   * @throws TrainerException with BAD_DATA when it cannot be built
   */
  public static Tokenizer of(
      ObjectNode tokenizerJson, Path source, Optional<String> bosToken, Optional<String> eosToken) {
    if (!isReadable(tokenizerJson, 1)) {
      throw new TrainerException(
          ExitReason.BAD_DATA,
          source
              + ": expected a tokenizer of at most "
              + MAX_DEPTH
              + " levels and numbers up to 1e308, found more");
    }
    requireKnownSpecialTokens(tokenizerJson.path("post_processor"), source);
    ObjectNode json = tokenizerJson.deepCopy();
    // Both are settings of the program that saved the file, not of the vocabulary.
    json.putNull("truncation");
    json.putNull("padding");
    Torch.keepOffline();
    HuggingFaceTokenizer tokenizer;
    try {
      tokenizer =
          HuggingFaceTokenizer.newInstance(
              new ByteArrayInputStream(json.toString().getBytes(StandardCharsets.UTF_8)),
              Map.of(
                  "addSpecialTokens", "false",
                  "truncation", "do_not_truncate",
                  "padding", "do_not_pad"));
    } catch (IOException | RuntimeException e) {
      throw new TrainerException(
          ExitReason.BAD_DATA, source + ": the tokenizer could not be built: " + e.getMessage(), e);
    }
    Set<Integer> specialIds = new HashSet<>();
    for (JsonNode token : json.path("added_tokens")) {
      if (token.path("special").asBoolean()) {
        specialIds.add(token.path("id").asInt());
      }
    }
    try {
      OptionalInt bos = singleId(tokenizer, bosToken, source);
      int[] empty = encode(tokenizer, "", true, source);
      boolean startsWithBos = empty.length > 0 && bos.isPresent() && empty[0] == bos.getAsInt();
      return new Tokenizer(
          tokenizer,
          source,
          Set.copyOf(specialIds),
          singleId(tokenizer, eosToken, source),
          startsWithBos ? new int[] {bos.getAsInt()} : new int[0]);
    } catch (TrainerException e) {
      tokenizer.close();
      throw e;
    }
  }

  /** What the tokenizers library cannot read ends the process in some places of the file. */
  private static boolean isReadable(JsonNode json, int depth) {
    if (depth > MAX_DEPTH || (json.isNumber() && !Double.isFinite(json.doubleValue()))) {
      return false;
    }
    for (JsonNode child : json) {
      if (!isReadable(child, depth + 1)) {
        return false;
      }
    }
    return true;
  }

  /** The tokenizers library ends the process when a template names a token that it has not. */
  private static void requireKnownSpecialTokens(JsonNode processor, Path source) {
    for (JsonNode each : processor.path("processors")) {
      requireKnownSpecialTokens(each, source);
    }
    for (String field : new String[] {"single", "pair"}) {
      for (JsonNode piece : processor.path(field)) {
        String token = piece.path("SpecialToken").path("id").asText();
        if (piece.has("SpecialToken") && !processor.path("special_tokens").has(token)) {
          throw new TrainerException(
              ExitReason.BAD_DATA,
              "%s: post_processor.%s names a special token that is not in its special_tokens"
                  .formatted(source, field));
        }
      }
    }
  }

  private static OptionalInt singleId(
      HuggingFaceTokenizer tokenizer, Optional<String> token, Path source) {
    if (token.isEmpty()) {
      return OptionalInt.empty();
    }
    int[] ids = encode(tokenizer, token.get(), false, source);
    return ids.length == 1 ? OptionalInt.of(ids[0]) : OptionalInt.empty();
  }

  /**
   * The token ids of a text. Special tokens written in the text, as a chat template writes them,
   * are recognised; none are added, nothing is cut and nothing is padded.
   *
   * @throws TrainerException with BAD_DATA when the vocabulary has no tokens for it
   */
  public int[] encode(String text) {
    return encode(tokenizer, text, false, source);
  }

  private static int[] encode(
      HuggingFaceTokenizer tokenizer, String text, boolean addSpecialTokens, Path source) {
    // HuggingFaceTokenizer.encode also makes a text and a span of each token, in half as much time
    // again.
    long encoding;
    try {
      encoding = TokenizersLibrary.LIB.encode(tokenizer.getHandle(), text, addSpecialTokens);
    } catch (RuntimeException e) {
      // Which may be late: a token for what is unknown is looked up when a text needs it.
      throw new TrainerException(
          ExitReason.BAD_DATA,
          "%s: expected a tokenizer with tokens for every text, found one that fails on some: %s"
              .formatted(source, e.getMessage()),
          e);
    }
    try {
      return Arrays.stream(TokenizersLibrary.LIB.getTokenIds(encoding))
          .mapToInt(Math::toIntExact)
          .toArray();
    } finally {
      TokenizersLibrary.LIB.deleteEncoding(encoding);
    }
  }

  /** The text of token ids, without special tokens. */
  public String decode(int[] ids) {
    return tokenizer.decode(Arrays.stream(ids).asLongStream().toArray(), true);
  }

  /** The text of token ids as {@link #encode} reads it, special tokens and all. */
  public String decodeWithSpecialTokens(int[] ids) {
    return tokenizer.decode(Arrays.stream(ids).asLongStream().toArray(), false);
  }

  /** Whether a token is one that {@link #decode} leaves out. */
  public boolean isSpecial(int id) {
    return specialIds.contains(id);
  }

  /** The token that ends a sequence, where the model names one. */
  public OptionalInt endOfSequenceId() {
    return endOfSequenceId;
  }

  /**
   * The tokens that this vocabulary puts before a plain text: the beginning-of-sequence token for a
   * Llama, nothing for a GPT-2-like one. A chat template writes them itself.
   */
  public int[] textStart() {
    return textStart.clone();
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
