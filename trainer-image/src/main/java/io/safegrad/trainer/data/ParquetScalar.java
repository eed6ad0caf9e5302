package io.safegrad.trainer.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.safegrad.trainer.data.ParquetRecords.UnusableColumnException;
import io.safegrad.trainer.data.ParquetRecords.UnusableValueException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.io.api.PrimitiveConverter;
import org.apache.parquet.schema.LogicalTypeAnnotation.DecimalLogicalTypeAnnotation;
import org.apache.parquet.schema.PrimitiveType;

/** Makes the texts, numbers and booleans of a column values of JSON. */
final class ParquetScalar extends PrimitiveConverter {

  /** Longest text, in bytes. */
  static final int MAX_TEXT_BYTES = 16 << 20;

  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final String path;
  private final ParquetRowSize size;
  private final Consumer<JsonNode> sink;

  /**
   * @param path the column's name in errors
   * @param size counts each value
   * @throws UnusableColumnException for a type that no text is made of
   */
  ParquetScalar(PrimitiveType type, String path, ParquetRowSize size, Consumer<JsonNode> sink) {
    this.path = path;
    this.size = size;
    this.sink = sink;
    switch (type.getPrimitiveTypeName()) {
      case FIXED_LEN_BYTE_ARRAY, INT96 -> throw unusable(type);
      default -> {
        if (type.getLogicalTypeAnnotation() instanceof DecimalLogicalTypeAnnotation) {
          throw unusable(type);
        }
      }
    }
  }

  private UnusableColumnException unusable(PrimitiveType type) {
    return new UnusableColumnException(
        "column "
            + path
            + ": expected texts, numbers, booleans, lists or structs of these, found "
            + (type.getLogicalTypeAnnotation() == null
                ? type.getPrimitiveTypeName()
                : type.getLogicalTypeAnnotation()));
  }

  private void give(JsonNode value, int characters) {
    size.count(path, characters);
    sink.accept(value);
  }

  @Override
  public void addBinary(Binary value) {
    if (value.length() > MAX_TEXT_BYTES) {
      throw new UnusableValueException(
          "column "
              + path
              + ": expected texts of at most "
              + MAX_TEXT_BYTES
              + " bytes, found a longer one");
    }
    String text;
    try {
      text = StandardCharsets.UTF_8.newDecoder().decode(value.toByteBuffer()).toString();
    } catch (CharacterCodingException e) {
      throw new UnusableValueException("column " + path + ": expected UTF-8, found other bytes");
    }
    give(JSON.textNode(text), value.length());
  }

  @Override
  public void addBoolean(boolean value) {
    give(JSON.booleanNode(value), 0);
  }

  @Override
  public void addInt(int value) {
    give(JSON.numberNode(value), 0);
  }

  @Override
  public void addLong(long value) {
    give(JSON.numberNode(value), 0);
  }

  @Override
  public void addFloat(float value) {
    give(JSON.numberNode(value), 0);
  }

  @Override
  public void addDouble(double value) {
    give(JSON.numberNode(value), 0);
  }
}
