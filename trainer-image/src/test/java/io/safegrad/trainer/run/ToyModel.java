package io.safegrad.trainer.run;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.trainer.weights.FloatTensor;
import io.safegrad.trainer.weights.SafetensorsFile;
import io.safegrad.trainer.weights.SafetensorsWriter;
import io.safegrad.trainer.weights.StorageType;
import io.safegrad.trainer.weights.TensorContents;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** A Hugging Face model directory with random weights: a token for each byte, one layer. */
final class ToyModel {

  static final int HIDDEN = 16;
  private static final int INTERMEDIATE = 24;
  private static final int BYTES = 256;
  private static final String[] SPECIAL = {"<|im_start|>", "<|im_end|>"};
  private static final int VOCABULARY = BYTES + SPECIAL.length;
  private static final String CHAT_TEMPLATE =
      "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
          + "{{ message['content'] }}<|im_end|>\n{% endfor %}"
          + "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

  private final ObjectMapper json = new ObjectMapper();
  private final Path folder;
  private final Random random = new Random(7);

  private ToyModel(Path folder) {
    this.folder = folder;
  }

  /** Writes the model into a folder, which is made. */
  static Path write(Path folder) throws IOException {
    ToyModel model = new ToyModel(Files.createDirectories(folder));
    model.writeConfig("LlamaForCausalLM");
    model.writeTokenizer();
    model.writeWeights(1);
    return folder;
  }

  /** Keeps its weights in another type than float32. */
  static void store(Path folder, StorageType type) {
    Path weights = folder.resolve("model.safetensors");
    Map<String, FloatTensor> tensors = SafetensorsFile.read(weights);
    SafetensorsWriter.write(
        weights,
        List.copyOf(tensors.keySet()),
        TensorContents.of(tensors),
        type,
        Map.of("format", "pt"));
  }

  /** The same with another architecture's name. */
  static Path writeWithArchitecture(Path folder, String architecture) throws IOException {
    write(folder);
    new ToyModel(folder).writeConfig(architecture);
    return folder;
  }

  /** The same with a weight that is not a number, so that no loss is. */
  static Path writeWithoutNumbers(Path folder) throws IOException {
    write(folder);
    new ToyModel(folder).writeWeights(Float.NaN);
    return folder;
  }

  private void writeConfig(String architecture) throws IOException {
    ObjectNode config = json.createObjectNode();
    config.putArray("architectures").add(architecture);
    config.put("model_type", architecture.replace("ForCausalLM", "").toLowerCase());
    config.put("hidden_act", "silu");
    config.put("hidden_size", HIDDEN);
    config.put("intermediate_size", INTERMEDIATE);
    config.put("num_hidden_layers", 1);
    config.put("num_attention_heads", 2);
    config.put("num_key_value_heads", 2);
    config.put("max_position_embeddings", 512);
    config.put("rms_norm_eps", 1e-5);
    config.put("rope_theta", 10000.0);
    config.put("tie_word_embeddings", true);
    config.put("torch_dtype", "float32");
    config.put("vocab_size", VOCABULARY);
    config.put("eos_token_id", VOCABULARY - 1);
    json.writeValue(folder.resolve("config.json").toFile(), config);
  }

  private void writeTokenizer() throws IOException {
    ObjectNode tokenizer = json.createObjectNode();
    tokenizer.put("version", "1.0");
    for (int i = 0; i < SPECIAL.length; i++) {
      ObjectNode token = tokenizer.withArray("added_tokens").addObject();
      token.put("id", BYTES + i).put("content", SPECIAL[i]).put("special", true);
      token.put("single_word", false).put("lstrip", false).put("rstrip", false);
      token.put("normalized", false);
    }
    byteLevel(tokenizer.putObject("pre_tokenizer"));
    byteLevel(tokenizer.putObject("decoder"));
    ObjectNode model = tokenizer.putObject("model");
    model.put("type", "BPE").putArray("merges");
    ObjectNode vocabulary = model.putObject("vocab");
    int shifted = BYTES;
    for (int value = 0; value < BYTES; value++) {
      // GPT-2's table: a byte that does not print is written as a character above 255.
      boolean prints = value > ' ' && value < 127 || value > 160 && value != 173;
      vocabulary.put(Character.toString(prints ? value : shifted++), value);
    }
    json.writeValue(folder.resolve("tokenizer.json").toFile(), tokenizer);
    ObjectNode config = json.createObjectNode();
    config.put("eos_token", SPECIAL[1]).put("chat_template", CHAT_TEMPLATE);
    json.writeValue(folder.resolve("tokenizer_config.json").toFile(), config);
  }

  private static void byteLevel(ObjectNode step) {
    step.put("type", "ByteLevel").put("add_prefix_space", false);
    step.put("trim_offsets", true).put("use_regex", true);
  }

  private void writeWeights(float norm) {
    Map<String, FloatTensor> tensors = new LinkedHashMap<>();
    tensors.put("model.embed_tokens.weight", matrix(VOCABULARY, HIDDEN));
    tensors.put("model.norm.weight", vector(norm));
    String layer = "model.layers.0.";
    tensors.put(layer + "input_layernorm.weight", vector(1));
    tensors.put(layer + "post_attention_layernorm.weight", vector(1));
    for (String name : new String[] {"q_proj", "k_proj", "v_proj", "o_proj"}) {
      tensors.put(layer + "self_attn." + name + ".weight", matrix(HIDDEN, HIDDEN));
    }
    tensors.put(layer + "mlp.gate_proj.weight", matrix(INTERMEDIATE, HIDDEN));
    tensors.put(layer + "mlp.up_proj.weight", matrix(INTERMEDIATE, HIDDEN));
    tensors.put(layer + "mlp.down_proj.weight", matrix(HIDDEN, INTERMEDIATE));
    SafetensorsFile.write(folder.resolve("model.safetensors"), tensors, Map.of("format", "pt"));
  }

  private FloatTensor matrix(int rows, int columns) {
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = 0.2f * (float) random.nextGaussian();
    }
    return new FloatTensor(new long[] {rows, columns}, values);
  }

  private static FloatTensor vector(float value) {
    float[] values = new float[HIDDEN];
    java.util.Arrays.fill(values, value);
    return new FloatTensor(new long[] {HIDDEN}, values);
  }
}
