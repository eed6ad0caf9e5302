package io.safegrad.trainer.data;

import static org.assertj.core.api.Assertions.assertThat;

import io.safegrad.trainer.GoldenFiles;
import io.safegrad.trainer.weights.PretrainedModel;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StreamedTextTest {

  /** In toy vocabularies most of these characters are several tokens, one for each byte. */
  private static final String TEXT = "Grüße 你好 😀! two  spaces\n";

  @ParameterizedTest
  @ValueSource(strings = {"toy-llama.gguf", "toy-llama-spm.gguf"})
  void piecesMakeUpTheTextAndAreWholeCharacters(String name) {
    try (PretrainedModel model = PretrainedModel.open(GoldenFiles.path(name))) {
      StreamedText streamed = new StreamedText(model.tokenizer());
      StringBuilder pieces = new StringBuilder();
      for (int id : model.tokenizer().encode(TEXT)) {
        String piece = streamed.add(id);
        assertThat(piece).doesNotContain("\ufffd");
        pieces.append(piece);
      }
      pieces.append(streamed.end());
      assertThat(pieces).hasToString(TEXT);
      assertThat(streamed.text()).isEqualTo(TEXT);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"toy-llama.gguf", "toy-llama-spm.gguf"})
  void bytesThatNeverBecomeACharacterComeAtTheEnd(String name) {
    try (PretrainedModel model = PretrainedModel.open(GoldenFiles.path(name))) {
      StreamedText streamed = new StreamedText(model.tokenizer());
      int[] ids = model.tokenizer().encode("x😀");
      StringBuilder pieces = new StringBuilder();
      for (int i = 0; i < ids.length - 1; i++) {
        pieces.append(streamed.add(ids[i]));
      }
      assertThat(pieces).hasToString("x");
      assertThat(streamed.end()).contains("\ufffd");
    }
  }
}
