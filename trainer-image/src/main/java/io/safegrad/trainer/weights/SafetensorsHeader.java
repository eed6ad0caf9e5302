package io.safegrad.trainer.weights;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.safegrad.trainer.TrainerException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The header of a safetensors file, checked as the format's own implementation does: the tensors
 * fill the byte buffer in order with neither holes nor overlaps.
 *
 * @param tensors by name
 */
record SafetensorsHeader(Map<String, Entry> tensors) {

  /** The limit of the format's own implementation. */
  private static final long MAX_HEADER_BYTES = 100_000_000;

  private static final int LENGTH_BYTES = 8;

  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  /**
   * One tensor.
   *
   * @param dtype as in the file, for example BF16
   * @param shape outermost first; empty for a scalar
   * @param begin position of its first byte in the file
   * @param end position after its last byte in the file
   */
  record Entry(String dtype, long[] shape, long begin, long end) {

    long bytes() {
      return end - begin;
    }
  }

  static SafetensorsHeader read(TensorFile file) {
    if (file.size() < LENGTH_BYTES) {
      throw file.badData("not a safetensors file: expected at least 8 bytes, found " + file.size());
    }
    long length = file.read(0, LENGTH_BYTES, "the header's length").getLong();
    if (length < 2 || length > MAX_HEADER_BYTES) {
      throw file.badData(
          "not a safetensors file: expected a header of 2 to "
              + MAX_HEADER_BYTES
              + " bytes, found a length of "
              + Long.toUnsignedString(length));
    }
    if (LENGTH_BYTES + length > file.size()) {
      throw file.badData(
          "the file ends inside the header: expected "
              + (LENGTH_BYTES + length)
              + " bytes, found "
              + file.size());
    }
    ByteBuffer text = file.read(LENGTH_BYTES, (int) length, "the header");
    JsonNode json;
    try {
      // As a text, because Jackson guesses other encodings of bytes.
      json =
          JSON.readTree(
              StandardCharsets.UTF_8
                  .newDecoder()
                  .decode(ByteBuffer.wrap(text.array(), 0, text.limit()))
                  .toString());
    } catch (CharacterCodingException e) {
      throw file.badData("the header is not UTF-8");
    } catch (JsonProcessingException e) {
      throw file.badData("the header is not JSON: " + e.getOriginalMessage());
    }
    if (!json.isObject()) {
      throw file.badData("the header is not a JSON object");
    }
    long dataStart = LENGTH_BYTES + length;
    Map<String, Entry> tensors = new TreeMap<>();
    json.fields()
        .forEachRemaining(
            field -> {
              if (!field.getKey().equals("__metadata__")) {
                tensors.put(
                    field.getKey(), entry(file, field.getKey(), field.getValue(), dataStart));
              }
            });
    checkLayout(file, tensors, dataStart);
    return new SafetensorsHeader(Collections.unmodifiableMap(tensors));
  }

  private static Entry entry(TensorFile file, String name, JsonNode json, long dataStart) {
    String dtype = json.path("dtype").asText();
    if (!json.path("dtype").isTextual()) {
      throw file.badData("tensor " + name + ": field dtype is missing");
    }
    long[] shape = longs(file, name, "shape", json.path("shape"));
    long[] offsets = longs(file, name, "data_offsets", json.path("data_offsets"));
    if (offsets.length != 2 || offsets[0] > offsets[1]) {
      throw file.badData(
          "tensor "
              + name
              + ": expected data_offsets [begin, end], found "
              + Arrays.toString(offsets));
    }
    long bytes = offsets[1] - offsets[0];
    if (offsets[1] > file.size() - dataStart) {
      throw file.badData(
          "tensor "
              + name
              + " ends after the end of the file: expected at least "
              + Long.toUnsignedString(dataStart + offsets[1])
              + " bytes, found "
              + file.size()
              + "; is the file truncated?");
    }
    int size = elementBytes(dtype);
    long expected;
    try {
      expected = Math.multiplyExact(elements(shape), Math.max(1, size));
    } catch (ArithmeticException e) {
      throw tooLarge(file, name, shape);
    }
    if (size == 0 && expected > bytes * Byte.SIZE) {
      throw tooLarge(file, name, shape);
    }
    if (size > 0 && expected != bytes) {
      throw file.badData(
          "tensor "
              + name
              + ": expected "
              + expected
              + " bytes for "
              + dtype
              + " "
              + Arrays.toString(shape)
              + ", found "
              + bytes);
    }
    return new Entry(dtype, shape, dataStart + offsets[0], dataStart + offsets[1]);
  }

  private static TrainerException tooLarge(TensorFile file, String name, long[] shape) {
    return file.badData(
        "tensor " + name + ": the shape " + Arrays.toString(shape) + " is too large");
  }

  static long elements(long[] shape) {
    long count = 1;
    for (long dimension : shape) {
      count = Math.multiplyExact(count, dimension);
    }
    return count;
  }

  /** Bytes of one element; 0 for a type this trainer does not know. */
  private static int elementBytes(String dtype) {
    return switch (dtype) {
      case "F64", "I64", "U64" -> 8;
      case "F32", "I32", "U32" -> 4;
      case "F16", "BF16", "I16", "U16" -> 2;
      case "I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2" -> 1;
      default -> 0;
    };
  }

  private static long[] longs(TensorFile file, String name, String field, JsonNode json) {
    if (!json.isArray()) {
      throw file.badData("tensor " + name + ": expected a list in field " + field);
    }
    long[] values = new long[json.size()];
    for (int i = 0; i < values.length; i++) {
      JsonNode value = json.get(i);
      if (!value.isIntegralNumber() || !value.canConvertToLong() || value.asLong() < 0) {
        throw file.badData(
            "tensor " + name + ": expected whole numbers of at least 0 in field " + field);
      }
      values[i] = value.asLong();
    }
    return values;
  }

  private static void checkLayout(TensorFile file, Map<String, Entry> tensors, long dataStart) {
    List<Map.Entry<String, Entry>> inOrder =
        tensors.entrySet().stream()
            .sorted(
                Comparator.comparingLong((Map.Entry<String, Entry> entry) -> entry.getValue().begin)
                    .thenComparingLong(entry -> entry.getValue().end))
            .toList();
    long end = dataStart;
    for (Map.Entry<String, Entry> entry : inOrder) {
      if (entry.getValue().begin != end) {
        throw file.badData(
            "tensor "
                + entry.getKey()
                + (entry.getValue().begin < end ? " overlaps the one before it" : " follows a hole")
                + ": expected it at byte "
                + end
                + ", found it at "
                + entry.getValue().begin);
      }
      end = entry.getValue().end;
    }
    if (end != file.size()) {
      throw file.badData(
          "expected the file to end with its last tensor at byte "
              + end
              + ", found "
              + file.size()
              + " bytes");
    }
  }
}
