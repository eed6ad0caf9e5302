package io.safegrad.trainer.weights;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.nio.FloatBuffer;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The weights of a GGUF file under their Hugging Face names and in Hugging Face's layout,
 * dequantised as they are read.
 *
 * <p>llama.cpp's converter permutes the rows of a Llama's q_proj and k_proj, because its rotary
 * embedding pairs neighbouring rows where Hugging Face's pairs the two halves of a head. That is
 * undone here; else an adapter trained on these rows would be wrong for the original model.
 */
public final class GgufWeights implements Weights {

  /** Scaling factors of the rotary embedding: part of the configuration, not a weight. */
  static final String ROPE_FACTORS = "rope_freqs.weight";

  private static final Map<String, String> NAMES =
      Map.of(
          "token_embd.weight", "model.embed_tokens.weight",
          "output_norm.weight", "model.norm.weight",
          "output.weight", "lm_head.weight");

  private static final Map<String, String> LAYER_NAMES =
      Map.ofEntries(
          Map.entry("attn_norm", "input_layernorm"),
          Map.entry("attn_q", "self_attn.q_proj"),
          Map.entry("attn_k", "self_attn.k_proj"),
          Map.entry("attn_v", "self_attn.v_proj"),
          Map.entry("attn_output", "self_attn.o_proj"),
          Map.entry("attn_q_norm", "self_attn.q_norm"),
          Map.entry("attn_k_norm", "self_attn.k_norm"),
          Map.entry("ffn_norm", "post_attention_layernorm"),
          Map.entry("ffn_gate", "mlp.gate_proj"),
          Map.entry("ffn_up", "mlp.up_proj"),
          Map.entry("ffn_down", "mlp.down_proj"));

  private static final Pattern LAYER_NAME =
      Pattern.compile("blk\\.(\\d+)\\.(\\w+)\\.(weight|bias)");

  private static final Pattern HUGGING_FACE_LAYER_NAME =
      Pattern.compile("model\\.layers\\.(\\d+)\\.(.+)\\.(weight|bias)");

  private final TensorFile file;
  private final Map<String, Source> sources;

  /** Where a tensor is, and into how many heads its rows were permuted; 0 when they were not. */
  private record Source(String ggufName, GgufHeader.Entry entry, ElementType type, int heads) {}

  private GgufWeights(TensorFile file, Map<String, Source> sources) {
    this.file = file;
    this.sources = Collections.unmodifiableMap(sources);
  }

  /**
   * The weights of an opened file, which is closed with them.
   *
   * @throws TrainerException with BAD_PLAN when the file has a tensor of an unsupported type
   */
  static GgufWeights of(TensorFile file, GgufHeader header) {
    GgufMetadata metadata = header.metadata();
    String architecture = metadata.text("general.architecture");
    Map<String, Source> sources = new TreeMap<>();
    header
        .tensors()
        .forEach(
            (ggufName, entry) -> {
              if (ggufName.equals(ROPE_FACTORS)) {
                return;
              }
              ElementType type =
                  ElementType.ofGgmlType(entry.ggmlType())
                      .orElseThrow(() -> unsupportedType(file, ggufName, entry));
              String name = huggingFaceName(file, ggufName);
              int heads = architecture.equals("llama") ? permutedHeads(name, metadata) : 0;
              if (heads > 0 && entry.shape()[0] % (2L * heads) != 0) {
                throw file.badData(
                    "tensor "
                        + ggufName
                        + ": expected an even number of rows for each of "
                        + heads
                        + " heads, found "
                        + entry.shape()[0]
                        + " rows");
              }
              if (heads > 0 && entry.shape().length == 1 && type.blockElements() > 1) {
                throw file.badData(
                    "tensor "
                        + ggufName
                        + ": expected F32, F16 or BF16 in one dimension, found "
                        + type);
              }
              sources.put(name, new Source(ggufName, entry, type, heads));
            });
    return new GgufWeights(file, sources);
  }

  private static TrainerException unsupportedType(
      TensorFile file, String name, GgufHeader.Entry entry) {
    return new TrainerException(
        ExitReason.BAD_PLAN,
        file.path()
            + ": tensor "
            + name
            + " has the unsupported ggml type "
            + entry.ggmlType()
            + "; expected one of "
            + String.join(
                ", ", java.util.Arrays.stream(ElementType.values()).map(Enum::name).toList()));
  }

  private static String huggingFaceName(TensorFile file, String ggufName) {
    if (NAMES.containsKey(ggufName)) {
      return NAMES.get(ggufName);
    }
    Matcher matcher = LAYER_NAME.matcher(ggufName);
    if (!matcher.matches() || !LAYER_NAMES.containsKey(matcher.group(2))) {
      throw new TrainerException(
          ExitReason.BAD_PLAN,
          file.path() + ": tensor " + ggufName + " is not part of a supported architecture");
    }
    return "model.layers."
        + matcher.group(1)
        + "."
        + LAYER_NAMES.get(matcher.group(2))
        + "."
        + matcher.group(3);
  }

  private static int permutedHeads(String name, GgufMetadata metadata) {
    int heads = heads(metadata, "llama.attention.head_count", 0);
    if (name.contains(".q_proj.")) {
      return heads;
    }
    return name.contains(".k_proj.") ? heads(metadata, "llama.attention.head_count_kv", heads) : 0;
  }

  private static int heads(GgufMetadata metadata, String key, int fallback) {
    long heads = fallback > 0 ? metadata.integer(key, fallback) : metadata.integer(key);
    if (heads < 1 || heads > Integer.MAX_VALUE) {
      throw TensorFile.badData(
          metadata.path(), "field " + key + ": expected a number of heads, found " + heads);
    }
    return (int) heads;
  }

  /**
   * The name in a GGUF file of a tensor.
   *
   * @return empty for a name that no supported architecture has
   */
  public static Optional<String> ggufName(String huggingFaceName) {
    for (Map.Entry<String, String> name : NAMES.entrySet()) {
      if (name.getValue().equals(huggingFaceName)) {
        return Optional.of(name.getKey());
      }
    }
    Matcher matcher = HUGGING_FACE_LAYER_NAME.matcher(huggingFaceName);
    return matcher.matches()
        ? LAYER_NAMES.entrySet().stream()
            .filter(name -> name.getValue().equals(matcher.group(2)))
            .map(name -> "blk." + matcher.group(1) + "." + name.getKey() + "." + matcher.group(3))
            .findFirst()
        : Optional.empty();
  }

  @Override
  public Set<String> names() {
    return sources.keySet();
  }

  @Override
  public long[] shape(String name) {
    return source(name).entry.shape().clone();
  }

  @Override
  public void readFloat32(String name, FloatBuffer destination) {
    Source source = source(name);
    long elements = SafetensorsHeader.elements(source.entry.shape());
    ElementType.requireRoom(name, elements, destination);
    if (source.heads == 0) {
      stream(source, source.type.blockBytes(), destination);
    } else {
      readPermuted(source, destination);
    }
  }

  private void readPermuted(Source source, FloatBuffer destination) {
    int rows = Math.toIntExact(source.entry.shape()[0]);
    int columns = Math.toIntExact(SafetensorsHeader.elements(source.entry.shape()) / rows);
    int rowBytes =
        Math.toIntExact((long) columns / source.type.blockElements() * source.type.blockBytes());
    int start = destination.position();
    float[] values = new float[columns];
    FloatBuffer row = FloatBuffer.wrap(values);
    int[] next = {0};
    file.stream(
        source.entry.begin(),
        (long) rowBytes * rows,
        rowBytes,
        "tensor " + source.ggufName,
        chunk -> {
          int end = chunk.limit();
          while (chunk.position() < end) {
            chunk.limit(chunk.position() + rowBytes);
            source.type.decode(chunk, row.clear());
            chunk.position(chunk.limit()).limit(end);
            int target = huggingFaceRow(next[0]++, rows / source.heads);
            destination.put(start + target * columns, values);
          }
        });
    destination.position(start + rows * columns);
  }

  /**
   * Where llama.cpp's row goes: within a head of d rows, row 2i + h of the file is row h d/2 + i
   * ({@code LlamaModel.permute} of {@code convert_hf_to_gguf.py}, inverted).
   *
   * @param row in the file
   * @param headRows rows of one head
   */
  public static int huggingFaceRow(int row, int headRows) {
    int inHead = row % headRows;
    return row - inHead + inHead % 2 * (headRows / 2) + inHead / 2;
  }

  private void stream(Source source, int unitBytes, FloatBuffer destination) {
    long bytes =
        SafetensorsHeader.elements(source.entry.shape())
            / source.type.blockElements()
            * source.type.blockBytes();
    file.stream(
        source.entry.begin(),
        bytes,
        unitBytes,
        "tensor " + source.ggufName,
        chunk -> source.type.decode(chunk, destination));
  }

  private Source source(String name) {
    Source source = sources.get(name);
    if (source == null) {
      throw file.badData("there is no tensor " + name);
    }
    return source;
  }

  @Override
  public void close() {
    file.close();
  }
}
