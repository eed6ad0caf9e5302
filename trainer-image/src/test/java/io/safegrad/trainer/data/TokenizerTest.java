package io.safegrad.trainer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.GoldenFiles;
import io.safegrad.trainer.TrainerException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizerTest {

  static Tokenizer toy() {
    return open("toy-llama", "<|im_start|>", "<|im_end|>");
  }

  static Tokenizer sentencePiece() {
    return open("spm-tokenizer", "<s>", "</s>");
  }

  private static Tokenizer open(String folder, String bos, String eos) {
    ObjectNode json = (ObjectNode) GoldenFiles.json(folder + "/tokenizer.json");
    return Tokenizer.of(json, Path.of("tokenizer.json"), Optional.of(bos), Optional.of(eos));
  }

  @ParameterizedTest
  @CsvSource({
    "toy-llama, <|im_start|>, <|im_end|>, toy-llama.tokens.json",
    "spm-tokenizer, <s>, </s>, toy-llama-spm.tokens.json"
  })
  void encodesAndDecodesAsTransformersDoes(String folder, String bos, String eos, String golden) {
    try (Tokenizer tokenizer = open(folder, bos, eos)) {
      for (JsonNode text : GoldenFiles.json(golden)) {
        int[] ids =
            StreamSupport.stream(text.path("ids").spliterator(), false)
                .mapToInt(JsonNode::asInt)
                .toArray();

        assertThat(tokenizer.encode(text.path("text").asText())).isEqualTo(ids);
        assertThat(tokenizer.decode(ids)).isEqualTo(text.path("decoded").asText());
      }
    }
  }

  @Test
  void ignoresTheTruncationAndPaddingThatAFileWasSavedWith() {
    ObjectNode json = (ObjectNode) GoldenFiles.json("toy-llama/tokenizer.json");
    json.putObject("truncation")
        .put("direction", "Right")
        .put("max_length", 4)
        .put("strategy", "LongestFirst")
        .put("stride", 0);
    ObjectNode padding = json.putObject("padding");
    padding
        .put("direction", "Right")
        .putNull("pad_to_multiple_of")
        .put("pad_id", 0)
        .put("pad_type_id", 0)
        .put("pad_token", "<|endoftext|>");
    padding.putObject("strategy").put("Fixed", 64);
    try (Tokenizer saved =
            Tokenizer.of(json, Path.of("t.json"), Optional.empty(), Optional.empty());
        Tokenizer plain = toy()) {
      String text = "How do I bake bread? ".repeat(100);

      assertThat(saved.encode(text)).isEqualTo(plain.encode(text)).hasSizeGreaterThan(512);
    }
  }

  @Test
  void knowsItsSpecialTokens() {
    try (Tokenizer toy = toy();
        Tokenizer sentencePiece = sentencePiece()) {
      assertThat(toy.endOfSequenceId()).hasValue(2);
      assertThat(toy.textStart()).isEmpty();
      assertThat(toy.isSpecial(2)).isTrue();
      assertThat(toy.isSpecial(3)).isFalse();
      assertThat(sentencePiece.textStart()).containsExactly(1);
      assertThat(sentencePiece.endOfSequenceId()).hasValue(2);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "§"})
  void anUnknownTokenOutsideTheVocabularyIsNamed(String beginOfSequence) {
    ObjectNode json = (ObjectNode) GoldenFiles.json("spm-tokenizer/tokenizer.json");
    ObjectNode model = (ObjectNode) json.path("model");
    model.put("unk_token", "<none>").put("byte_fallback", false);

    assertThatThrownBy(
            () -> {
              try (Tokenizer tokenizer =
                  Tokenizer.of(
                      json, Path.of("t.json"), Optional.of(beginOfSequence), Optional.empty())) {
                tokenizer.encode("§");
              }
            })
        .isInstanceOf(TrainerException.class)
        .hasMessage(
            "t.json: expected a tokenizer with tokens for every text, found one that fails on some:"
                + " Unk token `<none>` not found in the vocabulary")
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(ExitReason.BAD_DATA);
  }

  @Test
  void aFileThatIsNoTokenizerIsNamed() {
    ObjectNode json = new ObjectMapper().createObjectNode().put("version", "1.0");

    assertThatThrownBy(
            () -> Tokenizer.of(json, Path.of("t.json"), Optional.empty(), Optional.empty()))
        .isInstanceOf(TrainerException.class)
        .hasMessageStartingWith("t.json: the tokenizer could not be built")
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(ExitReason.BAD_DATA);
  }
}
