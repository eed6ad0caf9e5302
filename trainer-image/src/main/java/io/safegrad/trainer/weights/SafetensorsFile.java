package io.safegrad.trainer.weights;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.trainer.TrainerException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** One safetensors file. */
public final class SafetensorsFile implements Weights {

  private static final int CHUNK_FLOATS = 1 << 18;

  private final TensorFile file;
  private final SafetensorsHeader header;

  private SafetensorsFile(TensorFile file, SafetensorsHeader header) {
    this.file = file;
    this.header = header;
  }

  /**
   * Opens a file and checks its header.
   *
   * @throws TrainerException with BAD_DATA when there is no such file, or it is broken or truncated
   */
  public static SafetensorsFile open(Path path) {
    TensorFile file = TensorFile.open(path);
    try {
      return new SafetensorsFile(file, SafetensorsHeader.read(file));
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  /**
   * Writes float32 tensors, sorted by name, so that equal tensors give equal bytes. The file
   * appears whole or not at all.
   *
   * @param metadata text fields for the header; Hugging Face's libraries expect {@code format: pt}
   * @throws TrainerException with INTERNAL when it cannot be written
   */
  public static void write(
      Path path, Map<String, FloatTensor> tensors, Map<String, String> metadata) {
    Map<String, FloatTensor> sorted = new TreeMap<>(tensors);
    byte[] header = header(sorted, metadata);
    AtomicFile.write(
        path,
        channel -> {
          ByteBuffer start =
              ByteBuffer.allocate(Long.BYTES + header.length).order(ByteOrder.LITTLE_ENDIAN);
          start.putLong(header.length).put(header).flip();
          writeFully(channel, start);
          ByteBuffer chunk =
              ByteBuffer.allocate(CHUNK_FLOATS * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
          for (FloatTensor tensor : sorted.values()) {
            float[] values = tensor.values();
            for (int done = 0; done < values.length; done += CHUNK_FLOATS) {
              int count = Math.min(CHUNK_FLOATS, values.length - done);
              chunk.clear().limit(count * Float.BYTES);
              chunk.asFloatBuffer().put(values, done, count);
              writeFully(channel, chunk);
            }
          }
        });
  }

  /**
   * Reads all tensors of a file into Java's memory, as float32.
   *
   * @throws TrainerException with BAD_DATA when there is no such file, or it is broken or truncated
   */
  public static Map<String, FloatTensor> read(Path path) {
    Map<String, FloatTensor> tensors = new TreeMap<>();
    try (SafetensorsFile file = open(path)) {
      for (String name : file.names()) {
        long[] shape = file.shape(name);
        FloatBuffer values =
            FloatBuffer.allocate(Math.toIntExact(SafetensorsHeader.elements(shape)));
        file.readFloat32(name, values);
        tensors.put(name, new FloatTensor(shape, values.array()));
      }
    }
    return tensors;
  }

  private static byte[] header(Map<String, FloatTensor> tensors, Map<String, String> metadata) {
    ObjectMapper json = new ObjectMapper();
    ObjectNode root = json.createObjectNode();
    if (!metadata.isEmpty()) {
      root.set("__metadata__", json.valueToTree(new TreeMap<>(metadata)));
    }
    long offset = 0;
    for (Map.Entry<String, FloatTensor> tensor : tensors.entrySet()) {
      long end = offset + (long) tensor.getValue().values().length * Float.BYTES;
      ObjectNode entry = root.putObject(tensor.getKey());
      entry.put("dtype", "F32");
      entry.set("shape", json.valueToTree(tensor.getValue().shape()));
      entry.putArray("data_offsets").add(offset).add(end);
      offset = end;
    }
    byte[] text;
    try {
      text = json.writeValueAsBytes(root);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
    // The format aligns the byte buffer to 8 and pads the header with spaces.
    byte[] padded = Arrays.copyOf(text, (text.length + 7) / 8 * 8);
    Arrays.fill(padded, text.length, padded.length, " ".getBytes(StandardCharsets.US_ASCII)[0]);
    return padded;
  }

  private static void writeFully(FileChannel channel, ByteBuffer buffer)
      throws java.io.IOException {
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }

  @Override
  public Set<String> names() {
    return header.tensors().keySet();
  }

  @Override
  public long[] shape(String name) {
    return entry(name).shape().clone();
  }

  @Override
  public void readFloat32(String name, FloatBuffer destination) {
    SafetensorsHeader.Entry entry = entry(name);
    ElementType type =
        switch (entry.dtype()) {
          case "F32" -> ElementType.F32;
          case "F16" -> ElementType.F16;
          case "BF16" -> ElementType.BF16;
          default ->
              throw file.badData(
                  "tensor " + name + ": expected dtype F32, F16 or BF16, found " + entry.dtype());
        };
    ElementType.requireRoom(name, SafetensorsHeader.elements(entry.shape()), destination);
    file.stream(
        entry.begin(),
        entry.bytes(),
        type.blockBytes(),
        "tensor " + name,
        chunk -> type.decode(chunk, destination));
  }

  private SafetensorsHeader.Entry entry(String name) {
    SafetensorsHeader.Entry entry = header.tensors().get(name);
    if (entry == null) {
      throw file.badData("there is no tensor " + name);
    }
    return entry;
  }

  @Override
  public void close() {
    file.close();
  }
}
