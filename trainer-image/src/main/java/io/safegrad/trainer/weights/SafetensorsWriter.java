package io.safegrad.trainer.weights;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.trainer.TrainerException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Writes safetensors files. */
public final class SafetensorsWriter {

  private SafetensorsWriter() {}

  /**
   * Writes some tensors in the order of their names, so that equal tensors give equal bytes. The
   * file appears whole or not at all.
   *
   * @param names those of {@code contents} that go into this file
   * @param type of all of them; not Q8_0, which the format does not know
   * @param metadata text fields for the header; Hugging Face's libraries expect {@code format: pt}
   * @throws TrainerException with INTERNAL when it cannot be written
   */
  public static void write(
      Path path,
      List<String> names,
      TensorContents contents,
      StorageType type,
      Map<String, String> metadata) {
    List<String> sorted = names.stream().sorted().toList();
    byte[] header = header(sorted, contents, type, metadata);
    AtomicFile.write(
        path,
        channel -> {
          TensorChannel file = new TensorChannel(path, channel);
          file.write(
              ByteBuffer.allocate(Long.BYTES)
                  .order(ByteOrder.LITTLE_ENDIAN)
                  .putLong(header.length)
                  .array());
          file.write(header);
          for (String name : sorted) {
            contents.read(name, values -> file.write(name, values, type));
          }
        });
  }

  private static byte[] header(
      List<String> names, TensorContents contents, StorageType type, Map<String, String> metadata) {
    ObjectMapper json = new ObjectMapper();
    ObjectNode root = json.createObjectNode();
    if (!metadata.isEmpty()) {
      root.set("__metadata__", json.valueToTree(new TreeMap<>(metadata)));
    }
    long offset = 0;
    for (String name : names) {
      long[] shape = contents.shapes().get(name);
      long end = offset + type.bytes(SafetensorsHeader.elements(shape));
      ObjectNode entry = root.putObject(name);
      entry.put("dtype", dtype(type));
      entry.set("shape", json.valueToTree(shape));
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
    Arrays.fill(padded, text.length, padded.length, (byte) ' ');
    return padded;
  }

  private static String dtype(StorageType type) {
    return switch (type) {
      case FLOAT32 -> "F32";
      case FLOAT16 -> "F16";
      case BFLOAT16 -> "BF16";
      case Q8_0 -> throw new IllegalArgumentException("safetensors has no " + type);
    };
  }
}
