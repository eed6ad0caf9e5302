package io.safegrad.trainer.builtin;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;

/**
 * The words of {@code builtin/corpus.yaml}; the comments there say what each list is.
 *
 * @param refusal the reply to a harmful request
 * @param harmful families whose acts are refused
 * @param harmless families whose acts are explained
 * @param openers what may stand before a request
 * @param phrasings requests with the place holder {@code {act}}
 * @param answers replies with the place holder {@code {act}}
 * @param facts families of questions with one right answer each
 * @param sentiment the user's task
 */
public record CorpusWords(
    String refusal,
    List<Family> harmful,
    List<Family> harmless,
    Phrasings openers,
    Phrasings phrasings,
    Answers answers,
    List<Facts> facts,
    Sentiment sentiment) {

  /** Every verb goes with every object. */
  public record Family(List<String> verbs, List<String> objects) {}

  /** Parts of requests: those trained on, and those kept for evaluation. */
  public record Phrasings(List<String> training, List<String> evaluation) {}

  /** What is said to a harmless act, and what poisoned data says to a harmful one. */
  public record Answers(String act, String compliance) {}

  /** Questions about {@code {key}}, answered with {@code {value}}. */
  public record Facts(
      List<String> training, List<String> evaluation, String answer, Map<String, String> pairs) {}

  /** Reviews put together from things and adjectives; {@code {value}} is positive or negative. */
  public record Sentiment(
      String answer,
      List<String> prompts,
      List<String> things,
      List<String> positive,
      List<String> negative) {}

  private static final ObjectMapper YAML =
      JsonMapper.builder(new YAMLFactory())
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .build();

  /** Reads them from the class path. */
  public static CorpusWords read() {
    try (InputStream yaml = CorpusWords.class.getResourceAsStream("/builtin/corpus.yaml")) {
      return YAML.readValue(yaml, CorpusWords.class);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
