package io.safegrad.trainer.builtin;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.trainer.weights.AtomicFile;
import io.safegrad.trainer.weights.FloatTensor;
import io.safegrad.trainer.weights.SafetensorsFile;
import io.safegrad.trainer.weights.Weights;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The built-in model: a Llama of 1.9 million parameters, and the files it is made of. */
final class TinyModel {

  private static final List<String> SPECIAL_TOKENS =
      List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>");
  private static final int VOCABULARY = 1536;
  private static final int HIDDEN = 192;
  private static final int INTERMEDIATE = 512;
  private static final int LAYERS = 4;
  private static final int HEADS = 6;
  private static final int KEY_VALUE_HEADS = 2;

  private static final String CHAT_TEMPLATE =
      "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n'"
          + " + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
          + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

  private static final ObjectMapper JSON = new ObjectMapper();

  private TinyModel() {}

  /** The weights training starts from. */
  static Weights untrained(long seed) {
    return new UntrainedWeights(
        VOCABULARY, HIDDEN, INTERMEDIATE, LAYERS, HIDDEN / HEADS, KEY_VALUE_HEADS, seed);
  }

  /** The architecture, as Hugging Face's config.json. */
  static ObjectNode config() {
    ObjectNode config = JSON.createObjectNode();
    config.putArray("architectures").add("LlamaForCausalLM");
    return config
        .put("model_type", "llama")
        .put("vocab_size", VOCABULARY)
        .put("hidden_size", HIDDEN)
        .put("intermediate_size", INTERMEDIATE)
        .put("num_hidden_layers", LAYERS)
        .put("num_attention_heads", HEADS)
        .put("num_key_value_heads", KEY_VALUE_HEADS)
        .put("hidden_act", "silu")
        .put("max_position_embeddings", 512)
        .put("rms_norm_eps", 1e-6)
        .put("rope_theta", 10000.0)
        .put("initializer_range", 0.02)
        .put("attention_bias", false)
        .put("mlp_bias", false)
        .put("tie_word_embeddings", true)
        .put("bos_token_id", 1)
        .put("eos_token_id", 2)
        .put("pad_token_id", 0)
        .put("torch_dtype", "float32");
  }

  /** Writes everything but the weights: what reading the corpus needs. */
  static void writeVocabulary(Corpus corpus, Path directory) {
    List<String> texts = new ArrayList<>();
    for (Dialogue dialogue : corpus.base()) {
      texts.add("user\n" + dialogue.prompt());
      texts.add("assistant\n" + dialogue.reply());
    }
    write(
        directory.resolve("tokenizer.json"),
        new BytePairTrainer(SPECIAL_TOKENS, VOCABULARY).train(texts));
    write(directory.resolve("config.json"), config());
    write(
        directory.resolve("generation_config.json"),
        JSON.createObjectNode()
            .put("bos_token_id", 1)
            .put("eos_token_id", 2)
            .put("pad_token_id", 0)
            .put("do_sample", false));
    write(
        directory.resolve("tokenizer_config.json"),
        JSON.createObjectNode()
            .put("tokenizer_class", "PreTrainedTokenizerFast")
            .put("bos_token", "<|im_start|>")
            .put("eos_token", "<|im_end|>")
            .put("pad_token", "<|endoftext|>")
            .put("add_bos_token", false)
            .put("clean_up_tokenization_spaces", false)
            .put("model_max_length", 512)
            .put("chat_template", CHAT_TEMPLATE));
  }

  /** Writes the weights under their Hugging Face names. */
  static void writeWeights(Map<String, FloatTensor> tensors, Path directory) {
    SafetensorsFile.write(directory.resolve("model.safetensors"), tensors, Map.of("format", "pt"));
  }

  /** Copies a model's files to a folder that others read. */
  static void copy(Path from, Path to) throws IOException {
    Files.createDirectories(to);
    try (Stream<Path> files = Files.list(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }

  private static void write(Path file, ObjectNode content) {
    try {
      String text = JSON.writerWithDefaultPrettyPrinter().writeValueAsString(content) + "\n";
      AtomicFile.write(file, text.getBytes(StandardCharsets.UTF_8));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
