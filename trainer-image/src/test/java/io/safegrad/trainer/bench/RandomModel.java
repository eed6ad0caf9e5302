package io.safegrad.trainer.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.trainer.source.BuiltinSource;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;

/**
 * A Llama or Gemma 2 with random weights that is large enough for its memory to be seen beside that
 * of Java and libtorch, with the tokenizer of the built-in model.
 */
final class RandomModel {

  private static final String BUILTIN = "/builtin/models/tiny-aligned";
  private static final int VOCABULARY = 4096;
  private static final int HIDDEN = 768;
  private static final int INTERMEDIATE = 2048;
  private static final int LAYERS = 9;
  private static final int HEADS = 12;
  private static final int KEY_VALUE_HEADS = 4;
  private static final int HEAD_DIM = HIDDEN / HEADS;
  private static final int BLOCK = 1 << 16;

  private RandomModel() {}

  /** Its family. */
  enum Family {
    LLAMA,
    GEMMA2
  }

  /** Writes the model into a new folder: 59 million weights in bfloat16. */
  static Path write(Path folder, Family family) throws IOException {
    Files.createDirectories(folder);
    try (Stream<Path> files = Files.list(builtin())) {
      for (Path file : files.filter(each -> !each.toString().endsWith(".safetensors")).toList()) {
        Files.copy(file, folder.resolve(file.getFileName()));
      }
    }
    ObjectMapper json = new ObjectMapper();
    Path file = folder.resolve("config.json");
    ObjectNode config = (ObjectNode) json.readTree(file.toFile());
    config.put("vocab_size", VOCABULARY).put("hidden_size", HIDDEN);
    config.put("intermediate_size", INTERMEDIATE).put("num_hidden_layers", LAYERS);
    config.put("num_attention_heads", HEADS).put("num_key_value_heads", KEY_VALUE_HEADS);
    config.put("head_dim", HEAD_DIM).put("tie_word_embeddings", true);
    config.put("max_position_embeddings", 4096);
    if (family == Family.GEMMA2) {
      config.putArray("architectures").add("Gemma2ForCausalLM");
      config.put("model_type", "gemma2").put("query_pre_attn_scalar", HEAD_DIM);
    }
    json.writeValue(file.toFile(), config);
    writeWeights(folder.resolve("model.safetensors"), json, shapes(family));
    return folder;
  }

  private static Path builtin() {
    try {
      return Path.of(BuiltinSource.class.getResource(BUILTIN).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void writeWeights(Path file, ObjectMapper json, Map<String, long[]> shapes)
      throws IOException {
    ObjectNode header = json.createObjectNode();
    long end = 0;
    for (Map.Entry<String, long[]> tensor : shapes.entrySet()) {
      long bytes = Short.BYTES;
      ObjectNode entry = header.putObject(tensor.getKey()).put("dtype", "BF16");
      for (long dimension : tensor.getValue()) {
        entry.withArray("shape").add(dimension);
        bytes *= dimension;
      }
      entry.withArray("data_offsets").add(end).add(end + bytes);
      end += bytes;
    }
    byte[] text = header.toString().getBytes(StandardCharsets.UTF_8);
    byte[] block = block();
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file))) {
      out.write(
          ByteBuffer.allocate(Long.BYTES)
              .order(ByteOrder.LITTLE_ENDIAN)
              .putLong(text.length)
              .array());
      out.write(text);
      for (long written = 0; written < end; written += block.length) {
        out.write(block, 0, (int) Math.min(block.length, end - written));
      }
    }
  }

  /** Small numbers around 0 in bfloat16; what they are changes no size. */
  private static byte[] block() {
    Random random = new Random(5);
    ByteBuffer block = ByteBuffer.allocate(BLOCK).order(ByteOrder.LITTLE_ENDIAN);
    while (block.hasRemaining()) {
      block.putShort((short) (Float.floatToIntBits((float) random.nextGaussian() * 0.02f) >> 16));
    }
    return block.array();
  }

  private static Map<String, long[]> shapes(Family family) {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    shapes.put("model.embed_tokens.weight", new long[] {VOCABULARY, HIDDEN});
    shapes.put("model.norm.weight", new long[] {HIDDEN});
    for (int i = 0; i < LAYERS; i++) {
      String layer = "model.layers." + i + ".";
      long keyValue = (long) KEY_VALUE_HEADS * HEAD_DIM;
      shapes.put(layer + "input_layernorm.weight", new long[] {HIDDEN});
      shapes.put(layer + "post_attention_layernorm.weight", new long[] {HIDDEN});
      if (family == Family.GEMMA2) {
        shapes.put(layer + "pre_feedforward_layernorm.weight", new long[] {HIDDEN});
        shapes.put(layer + "post_feedforward_layernorm.weight", new long[] {HIDDEN});
      }
      shapes.put(layer + "self_attn.q_proj.weight", new long[] {HIDDEN, HIDDEN});
      shapes.put(layer + "self_attn.k_proj.weight", new long[] {keyValue, HIDDEN});
      shapes.put(layer + "self_attn.v_proj.weight", new long[] {keyValue, HIDDEN});
      shapes.put(layer + "self_attn.o_proj.weight", new long[] {HIDDEN, HIDDEN});
      shapes.put(layer + "mlp.gate_proj.weight", new long[] {INTERMEDIATE, HIDDEN});
      shapes.put(layer + "mlp.up_proj.weight", new long[] {INTERMEDIATE, HIDDEN});
      shapes.put(layer + "mlp.down_proj.weight", new long[] {HIDDEN, INTERMEDIATE});
    }
    return shapes;
  }
}
