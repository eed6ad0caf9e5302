package io.safegrad.trainer.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.trainer.tensor.Compute;
import io.safegrad.trainer.weights.SafetensorsFile;
import io.safegrad.trainer.weights.Weights;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The logits of each family's classifier are those of transformers. */
class SequenceClassifierTest {

  private static final int LABELS = 3;

  @ParameterizedTest
  @ValueSource(
      strings = {"llama", "mistral", "qwen2", "qwen3", "gemma2", "gemma3", "phi3", "smollm3"})
  void logitsAreThoseOfTransformers(String family) {
    JsonNode golden = Golden.json(Golden.resource("classifier.json"));
    ObjectNode config = (ObjectNode) Golden.json(Golden.resource(family + "/config.json"));
    config.putArray("architectures").add(golden.at("/architectures/" + family).asText());
    config.put("pad_token_id", golden.path("pad_token_id").asInt());
    config.putObject("id2label").put("0", "a").put("1", "b").put("2", "c");
    List<int[]> rows = new ArrayList<>();
    golden.path("rows").forEach(row -> rows.add(new ObjectMapper().convertValue(row, int[].class)));

    try (SafetensorsFile scores = SafetensorsFile.open(Golden.resource("classifier.safetensors"));
        Weights weights = new Scored(Golden.of(family).weights(), scores, family);
        SequenceClassifier classifier =
            SequenceClassifier.load(ClassifierConfig.of(config), weights, Compute.CPU)) {
      float[] expected = new float[rows.size() * LABELS];
      scores.readFloat32(family + ".logits", FloatBuffer.wrap(expected));
      float[][] found = classifier.logits(rows);
      for (int row = 0; row < found.length; row++) {
        for (int label = 0; label < LABELS; label++) {
          assertThat(found[row][label])
              .as("row %d, label %d", row, label)
              .isCloseTo(expected[row * LABELS + label], within(2e-4f));
        }
        float[] alone = classifier.logits(List.of(rows.get(row)))[0];
        for (int label = 0; label < LABELS; label++) {
          assertThat(alone[label]).isCloseTo(found[row][label], within(1e-4f));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A checkpoint with the score of another file. */
  private record Scored(Weights model, Weights scores, String family) implements Weights {

    @Override
    public Set<String> names() {
      Set<String> names = new HashSet<>(model.names());
      names.add(SequenceClassifier.SCORE);
      return names;
    }

    @Override
    public long[] shape(String name) {
      return name.equals(SequenceClassifier.SCORE)
          ? scores.shape(family + "." + name)
          : model.shape(name);
    }

    @Override
    public void readFloat32(String name, FloatBuffer destination) {
      if (name.equals(SequenceClassifier.SCORE)) {
        scores.readFloat32(family + "." + name, destination);
      } else {
        model.readFloat32(name, destination);
      }
    }

    @Override
    public void close() throws IOException {
      model.close();
    }
  }
}
