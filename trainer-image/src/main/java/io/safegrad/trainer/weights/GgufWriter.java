package io.safegrad.trainer.weights;

import io.safegrad.trainer.TrainerException;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Writes a GGUF file, version 3. */
public final class GgufWriter {

  private static final int ALIGNMENT = 32;
  private static final int VERSION = 3;

  // gguf_metadata_value_type
  private static final int UINT32 = 4;
  private static final int INT32 = 5;
  private static final int FLOAT32 = 6;
  private static final int BOOL = 7;
  private static final int STRING = 8;
  private static final int ARRAY = 9;

  private final ByteArrayOutputStream header = new ByteArrayOutputStream();

  private GgufWriter() {}

  /**
   * Writes metadata and tensors; the file appears whole or not at all.
   *
   * @param metadata by key, in the order of the file. A {@code Long} is written as uint32, an
   *     {@code Integer} as int32, a {@code Double} as float32; {@code Boolean}, {@code String}, and
   *     lists of one of these
   * @param contents the tensors, outermost dimension first
   * @param types how each tensor is stored, in the order of the file
   * @throws TrainerException with INTERNAL when it cannot be written
   */
  public static void write(
      Path path,
      Map<String, Object> metadata,
      TensorContents contents,
      Map<String, StorageType> types) {
    byte[] header = new GgufWriter().header(metadata, contents, types);
    AtomicFile.write(
        path,
        channel -> {
          TensorChannel file = new TensorChannel(path, channel);
          file.write(header);
          for (Map.Entry<String, StorageType> tensor : types.entrySet()) {
            String name = tensor.getKey();
            contents.read(name, values -> file.write(name, values, tensor.getValue()));
            file.write(new byte[padding(bytes(contents, name, tensor.getValue()))]);
          }
        });
  }

  private byte[] header(
      Map<String, Object> metadata, TensorContents contents, Map<String, StorageType> types) {
    header.writeBytes("GGUF".getBytes(StandardCharsets.US_ASCII));
    int32(VERSION);
    int64(types.size());
    int64(metadata.size());
    metadata.forEach(
        (key, value) -> {
          string(key);
          int32(typeOf(value));
          value(value);
        });
    long offset = 0;
    for (Map.Entry<String, StorageType> tensor : types.entrySet()) {
      long[] shape = contents.shapes().get(tensor.getKey());
      string(tensor.getKey());
      int32(shape.length);
      for (int i = shape.length - 1; i >= 0; i--) {
        int64(shape[i]);
      }
      int32(tensor.getValue().element().ggmlType());
      int64(offset);
      long bytes = bytes(contents, tensor.getKey(), tensor.getValue());
      offset += bytes + padding(bytes);
    }
    header.writeBytes(new byte[padding(header.size())]);
    return header.toByteArray();
  }

  private static long bytes(TensorContents contents, String name, StorageType type) {
    return type.bytes(SafetensorsHeader.elements(contents.shapes().get(name)));
  }

  private static int padding(long bytes) {
    return (int) (-bytes & ALIGNMENT - 1);
  }

  private static int typeOf(Object value) {
    if (value instanceof Long) {
      return UINT32;
    }
    if (value instanceof Integer) {
      return INT32;
    }
    if (value instanceof Double) {
      return FLOAT32;
    }
    if (value instanceof Boolean) {
      return BOOL;
    }
    if (value instanceof String) {
      return STRING;
    }
    if (value instanceof List) {
      return ARRAY;
    }
    throw new IllegalArgumentException("GGUF metadata cannot hold a " + value.getClass());
  }

  private void value(Object value) {
    switch (typeOf(value)) {
      case UINT32 -> int32(Math.toIntExact((Long) value));
      case INT32 -> int32((Integer) value);
      case FLOAT32 -> int32(Float.floatToIntBits(((Double) value).floatValue()));
      case BOOL -> header.write((Boolean) value ? 1 : 0);
      case STRING -> string((String) value);
      default -> {
        List<?> list = (List<?>) value;
        int32(list.isEmpty() ? STRING : typeOf(list.get(0)));
        int64(list.size());
        list.forEach(this::value);
      }
    }
  }

  private void string(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int64(bytes.length);
    header.writeBytes(bytes);
  }

  private void int32(int value) {
    header.writeBytes(
        ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
  }

  private void int64(long value) {
    header.writeBytes(
        ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array());
  }
}
