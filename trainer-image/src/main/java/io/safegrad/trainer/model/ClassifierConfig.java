package io.safegrad.trainer.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * A sequence classifier of a supported family, by its config.json: its decoder, and what it tells
 * apart.
 *
 * @param decoder without an output head: its embedding stands for one
 * @param labels by the row of {@code score.weight}, as {@code id2label} names them
 * @param multiLabel whether several labels may hold at once ({@code multi_label_classification})
 * @param padTokenId the token that is passed over at the end of a text; null for none
 */
public record ClassifierConfig(
    ModelConfig decoder, List<String> labels, boolean multiLabel, Integer padTokenId) {

  private static final String SUFFIX = "ForSequenceClassification";
  private static final String SINGLE_LABEL = "single_label_classification";
  private static final String MULTI_LABEL = "multi_label_classification";

  /**
   * Reads a Hugging Face {@code config.json}.
   *
   * @throws io.safegrad.trainer.TrainerException with BAD_PLAN when it is of no classifier, or of
   *     one that is not supported, with BAD_DATA when a field is missing or is not what it should
   *     be
   */
  public static ClassifierConfig of(JsonNode huggingFaceConfigJson) {
    ConfigFields config = new ConfigFields(huggingFaceConfigJson);
    ObjectNode decoder = huggingFaceConfigJson.deepCopy();
    decoder.putArray("architectures").add(family(config).name());
    decoder.put("tie_word_embeddings", true);
    List<String> labels = labels(config);
    String problem = config.text("problem_type", SINGLE_LABEL);
    config.refuseUnless(
        "problem_type",
        List.of(SINGLE_LABEL, MULTI_LABEL).contains(problem),
        SINGLE_LABEL + " and " + MULTI_LABEL);
    if (labels.size() < 2 && problem.equals(SINGLE_LABEL)) {
      throw ConfigFields.unsupported(
          "a classifier of one label is a regression, which is not supported; expected two labels"
              + " at least");
    }
    return new ClassifierConfig(
        ModelConfig.of(decoder), labels, problem.equals(MULTI_LABEL), padTokenId(config));
  }

  private static Architecture family(ConfigFields config) {
    JsonNode named = config.json().path("architectures").path(0);
    return Arrays.stream(Architecture.values())
        .filter(each -> named.asText().equals(classifier(each)))
        .findFirst()
        .orElseThrow(
            () ->
                ConfigFields.unsupported(
                    "architecture "
                        + (named.isMissingNode()
                            ? "is missing"
                            : named + " is no classifier of ours")
                        + "; supported are "
                        + Arrays.stream(Architecture.values())
                            .map(ClassifierConfig::classifier)
                            .collect(Collectors.joining(", "))));
  }

  /** The name of a family's classifier in transformers. */
  private static String classifier(Architecture family) {
    // Gemma3ForSequenceClassification is the one that sees images, too.
    String name = family == Architecture.Gemma3ForCausalLM ? "Gemma3Text" : family.name();
    return name.replace("ForCausalLM", "") + SUFFIX;
  }

  /** transformers leaves out the names of two labels without names. */
  private static List<String> labels(ConfigFields config) {
    if (!config.present("id2label")) {
      return List.of("LABEL_0", "LABEL_1");
    }
    Map<Integer, String> byId = new TreeMap<>(Comparator.naturalOrder());
    config
        .json()
        .get("id2label")
        .fields()
        .forEachRemaining(
            entry -> id(entry.getKey()).ifPresent(id -> byId.put(id, entry.getValue().asText())));
    int count = config.json().get("id2label").size();
    List<String> labels = new ArrayList<>();
    for (int id = 0; id < count; id++) {
      String label = byId.get(id);
      if (label == null || labels.contains(label)) {
        throw ConfigFields.badData(
            "id2label",
            config.json().get("id2label"),
            "a label of its own for each number from 0 to " + (count - 1));
      }
      labels.add(label);
    }
    return List.copyOf(labels);
  }

  private static Optional<Integer> id(String text) {
    return text.matches("\\d{1,6}") ? Optional.of(Integer.valueOf(text)) : Optional.empty();
  }

  private static Integer padTokenId(ConfigFields config) {
    JsonNode id = config.json().path("pad_token_id");
    if (id.isMissingNode() || id.isNull()) {
      return null;
    }
    if (!id.isIntegralNumber() || !id.canConvertToInt()) {
      throw ConfigFields.badData("pad_token_id", id, "a token id");
    }
    return id.intValue();
  }

  /** Where the token is whose logits are the text's. */
  int lastToken(int[] ids) {
    for (int i = ids.length - 1; i >= 0; i--) {
      if (padTokenId == null || ids[i] != padTokenId) {
        return i;
      }
    }
    return 0;
  }

  /** Bytes of memory that it takes while it judges. */
  public long memoryBytes() {
    long score = (long) Float.BYTES * labels.size() * decoder.hiddenSize();
    return new ModelSize(decoder).forwardOnly(SequenceClassifier.TOKENS_AT_ONCE) + score;
  }
}
