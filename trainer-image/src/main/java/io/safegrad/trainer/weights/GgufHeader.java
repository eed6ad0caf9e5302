package io.safegrad.trainer.weights;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The header of a GGUF file, version 2 or 3: its metadata and where its tensors lie.
 *
 * @param metadata by key
 * @param tensors by name
 */
record GgufHeader(GgufMetadata metadata, Map<String, Entry> tensors) {

  private static final int MAGIC = 0x46554747; // "GGUF", little endian

  private static final int MAX_DIMENSIONS = 4;

  /**
   * One tensor.
   *
   * @param ggmlType the number of its type
   * @param shape outermost first: the file's order reversed
   * @param begin position of its first byte in the file
   */
  record Entry(int ggmlType, long[] shape, long begin) {}

  static GgufHeader read(TensorFile file) {
    GgufReader reader = new GgufReader(file);
    int magic = reader.int32("the magic number");
    if (magic != MAGIC) {
      throw file.badData("not a GGUF file: expected it to start with GGUF");
    }
    int version = reader.int32("the version");
    if (version != 2 && version != 3) {
      throw file.badData(
          "expected GGUF version 2 or 3, little endian, found "
              + Integer.toUnsignedString(version));
    }
    // A tensor's entry takes 24 bytes at least, a field's 13.
    long tensorCount = reader.count("the number of tensors", 24);
    long fieldCount = reader.count("the number of metadata fields", 13);
    Map<String, Object> fields = new LinkedHashMap<>();
    for (long i = 0; i < fieldCount; i++) {
      String key = reader.string("the metadata key " + i);
      if (fields.put(key, reader.value("the metadata field " + key)) != null) {
        throw file.badData("the metadata field " + key + " is there twice");
      }
    }
    GgufMetadata metadata = new GgufMetadata(file.path(), fields);
    Map<String, Entry> relative = new LinkedHashMap<>();
    for (long i = 0; i < tensorCount; i++) {
      String name = reader.string("the name of tensor " + i);
      if (relative.put(name, entry(file, reader, name)) != null) {
        throw file.badData("tensor " + name + " is there twice");
      }
    }
    long alignment = metadata.integer("general.alignment", 32);
    if (alignment < 8 || alignment > 1 << 20 || alignment % 8 != 0) {
      throw file.badData("field general.alignment: expected a multiple of 8, found " + alignment);
    }
    long dataStart = (reader.position() + alignment - 1) / alignment * alignment;
    Map<String, Entry> tensors = new LinkedHashMap<>();
    relative.forEach(
        (name, entry) -> {
          if (entry.begin % alignment != 0 || entry.begin > file.size()) {
            throw file.badData(
                "tensor "
                    + name
                    + ": expected an offset inside the file that is a multiple of "
                    + alignment
                    + ", found "
                    + Long.toUnsignedString(entry.begin)
                    + "; is the file truncated?");
          }
          tensors.put(name, new Entry(entry.ggmlType, entry.shape, dataStart + entry.begin));
        });
    checkLayout(file, tensors);
    return new GgufHeader(metadata, Collections.unmodifiableMap(tensors));
  }

  private static Entry entry(TensorFile file, GgufReader reader, String name) {
    String what = "the entry of tensor " + name;
    int dimensions = reader.int32(what);
    if (dimensions < 1 || dimensions > MAX_DIMENSIONS) {
      throw file.badData(
          "tensor "
              + name
              + ": expected 1 to "
              + MAX_DIMENSIONS
              + " dimensions, found "
              + Integer.toUnsignedString(dimensions));
    }
    long[] shape = new long[dimensions];
    for (int i = dimensions - 1; i >= 0; i--) {
      shape[i] = reader.int64(what);
      if (shape[i] < 0) {
        throw file.badData("tensor " + name + ": a dimension is too large");
      }
      if (shape[i] == 0) {
        throw file.badData("tensor " + name + ": expected dimensions of at least 1, found 0");
      }
    }
    int type = reader.int32(what);
    long offset = reader.int64(what);
    if (offset < 0) {
      throw file.badData(
          "tensor " + name + ": the offset " + Long.toUnsignedString(offset) + " is too large");
    }
    return new Entry(type, shape, offset);
  }

  /** Bytes of a tensor; the sizes of types that cannot be read are not known. */
  static long bytes(TensorFile file, String name, Entry entry) {
    long row = entry.shape[entry.shape.length - 1];
    return ElementType.ofGgmlType(entry.ggmlType)
        .map(
            type -> {
              if (row % type.blockElements() != 0) {
                throw file.badData(
                    "tensor "
                        + name
                        + ": expected rows of whole "
                        + type
                        + " blocks of "
                        + type.blockElements()
                        + ", found rows of "
                        + row);
              }
              try {
                return Math.multiplyExact(
                    SafetensorsHeader.elements(entry.shape) / type.blockElements(),
                    (long) type.blockBytes());
              } catch (ArithmeticException e) {
                throw file.badData(
                    "tensor "
                        + name
                        + ": the shape "
                        + Arrays.toString(entry.shape)
                        + " is too large");
              }
            })
        .orElse(0L);
  }

  private static void checkLayout(TensorFile file, Map<String, Entry> tensors) {
    List<Map.Entry<String, Entry>> inOrder = new ArrayList<>(tensors.entrySet());
    inOrder.sort(Comparator.comparingLong(tensor -> tensor.getValue().begin));
    long end = 0;
    for (Map.Entry<String, Entry> tensor : inOrder) {
      Entry entry = tensor.getValue();
      if (entry.begin < end) {
        throw file.badData("tensor " + tensor.getKey() + " overlaps the one before it");
      }
      end = entry.begin + bytes(file, tensor.getKey(), entry);
      if (end > file.size() || end < entry.begin) {
        throw file.badData(
            "tensor "
                + tensor.getKey()
                + " ends after the end of the file: expected at least "
                + Long.toUnsignedString(end)
                + " bytes, found "
                + file.size()
                + "; is the file truncated?");
      }
    }
  }
}
