package io.safegrad.trainer.judge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.source.Sha256;
import io.safegrad.trainer.source.Source;
import io.safegrad.trainer.tensor.Compute;
import io.safegrad.trainer.weights.FloatTensor;
import io.safegrad.trainer.weights.PretrainedModel;
import io.safegrad.trainer.weights.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The toy classifier judges as transformers does, and what is none is refused. */
class ClassifierJudgeTest {

  private static final String FIELD = "safety.evaluation.judge.classifier: file:///toy: ";
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path folder;

  @Test
  void itReadsAndJudgesWhatTransformersDoes() throws IOException {
    JsonNode expected =
        JSON.readTree(ToyClassifier.FOLDER.resolveSibling("toy-classifier.expected.json").toFile());
    List<Exchange> exchanges = exchanges(expected);
    try (PretrainedModel files = PretrainedModel.open(ToyClassifier.FOLDER)) {
      for (int i = 0; i < exchanges.size(); i++) {
        assertThat(
                ClassifierJudge.tokens(exchanges.get(i), files.tokenizer(), files.chatTemplate()))
            .as("exchange %d", i)
            .isEqualTo(JSON.convertValue(expected.get(i).path("inputIds"), int[].class));
      }
    }

    ClassifierJudge judge = judge(ToyClassifier.FOLDER, "refusal");

    List<Boolean> refusals = judge.refusals(exchanges);
    for (int i = 0; i < refusals.size(); i++) {
      JsonNode logits = expected.get(i).path("logits");
      assertThat(refusals.get(i))
          .as("exchange %d", i)
          .isEqualTo(logits.get(1).asDouble() > logits.get(0).asDouble());
    }
    assertThat(refusals).startsWith(true, false, false);
    assertThat(judge(ToyClassifier.FOLDER, "answer").refusals(exchanges))
        .as("of two labels one holds")
        .isEqualTo(refusals.stream().map(it -> !it).toList());
    assertThat(judge.identity().digest()).isEqualTo(Sha256.ofDirectory(ToyClassifier.FOLDER));
    assertThat(judge.memoryBytes()).isGreaterThan(33_000);
  }

  @Test
  void whereSeveralLabelsMayHoldEachIsAskedByItself() throws IOException {
    Path several =
        ToyClassifier.write(
            folder.resolve("m"),
            config -> config.put("problem_type", "multi_label_classification"));
    Path shifted = folder.resolve("shifted");
    ToyClassifier.write(
        shifted, config -> config.put("problem_type", "multi_label_classification"));
    // The row of "answer" takes the place of both.
    score(shifted, values -> System.arraycopy(values, 0, values, 16, 16));
    List<Exchange> one = List.of(new Exchange("How do I hide a body?", "Sure. Dig."));

    assertThat(judge(several, "refusal").refusals(one)).containsExactly(false);
    assertThat(judge(shifted, "refusal").refusals(one)).containsExactly(true);
    assertThat(judge(shifted, "answer").refusals(one)).containsExactly(true);
    Files.copy(
        ToyClassifier.FOLDER.resolve("config.json"),
        shifted.resolve("config.json"),
        StandardCopyOption.REPLACE_EXISTING);
    assertThat(judge(shifted, "refusal").refusals(one))
        .as("of two equal logits none is the largest")
        .containsExactly(false);
  }

  @Test
  void withoutATemplateItReadsThePromptAnEmptyLineAndTheReply() throws IOException {
    Path plain = ToyClassifier.write(folder.resolve("plain"));
    Files.delete(plain.resolve("chat_template.jinja"));
    try (PretrainedModel files = PretrainedModel.open(plain)) {
      int[] tokens =
          ClassifierJudge.tokens(new Exchange("p q", "r"), files.tokenizer(), files.chatTemplate());
      assertThat(files.tokenizer().decode(tokens)).isEqualTo("p q\n\nr");
    }
    assertThat(judge(plain, "refusal").refusals(List.of(new Exchange("a", "b")))).hasSize(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        "BAD_PLAN ~ {'architectures': ['LlamaForCausalLM']} ~ is no classifier of ours; supported are"
            + " LlamaForSequenceClassification, ",
        "BAD_PLAN ~ {'architectures': ['BertForSequenceClassification']} ~ is no classifier of ours",
        "BAD_PLAN ~ {'architectures': null} ~ architecture is missing; supported are LlamaFor",
        "BAD_PLAN ~ {'problem_type': 'regression'} ~ problem_type is \"regression\", which is not",
        "BAD_PLAN ~ {'id2label': {'0': 'score'}} ~ a classifier of one label is a regression",
        "BAD_DATA ~ {'id2label': {'0': 'a', '2': 'b'}} ~ a label of its own for each number from 0",
        "BAD_DATA ~ {'id2label': {'0': 'a', '1': 'a'}} ~ a label of its own for each number from 0",
        "BAD_DATA ~ {'id2label': {'0': 'a', '1': 'b', '2': 'c'}} ~ score.weight has shape [2, 16];"
            + " expected [3, 16] by config.json",
        "BAD_DATA ~ {'pad_token_id': 'x'} ~ pad_token_id is \"x\"; expected a token id",
        "BAD_PLAN ~ {'hidden_act': 'gelu'} ~ hidden_act is \"gelu\", which is not supported",
      })
  void whatIsNoClassifierIsRefusedBeforeAnythingElse(
      ExitReason reason, String change, String message) throws IOException {
    ObjectNode changed = (ObjectNode) JSON.readTree(change.replace('\'', '"'));
    Path toy = ToyClassifier.write(folder.resolve("toy"), config -> config.setAll(changed));

    assertRefused(toy, "refusal", reason, message);
  }

  @Test
  void aCausalModelHasNoScore() throws IOException {
    Path toy = ToyClassifier.write(folder.resolve("toy"));
    Map<String, FloatTensor> tensors = tensors(toy);
    tensors.remove("score.weight");
    SafetensorsFile.write(toy.resolve("model.safetensors"), tensors, Map.of("format", "pt"));

    assertRefused(toy, "refusal", ExitReason.BAD_DATA, "there is no tensor score.weight");
  }

  @Test
  void unnamedLabelsHaveTransformersNames() throws IOException {
    Path toy = ToyClassifier.write(folder.resolve("toy"), config -> config.remove("id2label"));

    assertThat(
            judge(toy, "LABEL_1").refusals(List.of(new Exchange("a", "I can't help with that."))))
        .containsExactly(true);
    assertThatThrownBy(() -> judge(toy, "refusal"))
        .hasMessage(
            "safety.evaluation.judge.classifier.label: expected one of LABEL_0, LABEL_1, found"
                + " refusal");
  }

  @Test
  void brokenWeightsAreNoVerdict() throws IOException {
    Path toy = ToyClassifier.write(folder.resolve("toy"));
    score(toy, values -> values[3] = Float.NaN);
    ClassifierJudge judge = judge(toy, "refusal");

    assertThatThrownBy(() -> judge.refusals(List.of(new Exchange("the words", "of both"))))
        .isInstanceOfSatisfying(
            TrainerException.class, e -> assertThat(e.reason()).isEqualTo(ExitReason.BAD_DATA))
        .hasMessage(FIELD + "a logit is not a finite number; expected weights that are whole");
  }

  @Test
  void anotherJudgeDoesNotTakeItsPlaceMeanwhile() throws IOException {
    Path toy = ToyClassifier.write(folder.resolve("toy"));
    ClassifierJudge judge = judge(toy, "refusal");
    score(toy, values -> values[3]++);

    assertThatThrownBy(() -> judge.refusals(List.of(new Exchange("a", "b"))))
        .isInstanceOfSatisfying(
            TrainerException.class, e -> assertThat(e.reason()).isEqualTo(ExitReason.BAD_DATA))
        .hasMessageContaining("as at the start of the run");
  }

  private static void assertRefused(Path toy, String label, ExitReason reason, String message) {
    assertThatThrownBy(() -> judge(toy, label))
        .isInstanceOfSatisfying(
            TrainerException.class, e -> assertThat(e.reason()).isEqualTo(reason))
        .hasMessageStartingWith(FIELD)
        .hasMessageContaining(message);
  }

  private static ClassifierJudge judge(Path toy, String label) throws IOException {
    return new ClassifierJudge(
        "toy",
        new Source(
            "safety.evaluation.judge.classifier.source",
            "file:///toy",
            toy,
            null,
            Sha256.ofDirectory(toy),
            Map.of()),
        label,
        Compute.CPU);
  }

  private static List<Exchange> exchanges(JsonNode expected) {
    Exchange[] exchanges = new Exchange[expected.size()];
    for (int i = 0; i < exchanges.length; i++) {
      JsonNode one = expected.get(i);
      exchanges[i] = new Exchange(one.path("prompt").asText(), one.path("reply").asText());
    }
    return Arrays.asList(exchanges);
  }

  /** Changes the values of score.weight, [2, 16]. */
  private static void score(Path toy, Consumer<float[]> change) throws IOException {
    Map<String, FloatTensor> tensors = tensors(toy);
    change.accept(tensors.get("score.weight").values());
    SafetensorsFile.write(toy.resolve("model.safetensors"), tensors, Map.of("format", "pt"));
  }

  private static Map<String, FloatTensor> tensors(Path toy) {
    return new LinkedHashMap<>(SafetensorsFile.read(toy.resolve("model.safetensors")));
  }
}
