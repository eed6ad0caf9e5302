package io.safegrad.trainer.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.io.api.Converter;
import org.apache.parquet.io.api.GroupConverter;
import org.apache.parquet.io.api.PrimitiveConverter;
import org.apache.parquet.io.api.RecordMaterializer;
import org.apache.parquet.schema.GroupType;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.ListLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.MapLogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType;
import org.apache.parquet.schema.Type;
import org.apache.parquet.schema.Type.Repetition;

/**
 * Makes each row of a Parquet file an object of JSON. Lists are found in each of the forms that
 * writers have had for them; an absent value is null.
 */
final class ParquetRecords extends RecordMaterializer<ObjectNode> {

  /** Most characters of a row and its values together. */
  static final int MAX_ROW_SIZE = 64 << 20;

  /** Longest text, in bytes. */
  static final int MAX_TEXT_BYTES = 16 << 20;

  /** Most values of a row: a few bytes of run lengths may stand for millions. */
  private static final int MAX_VALUES = 1_000_000;

  private static final int MAX_DEPTH = 50;
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  /** A value of a row that cannot be used. */
  static final class UnusableValueException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UnusableValueException(String message) {
      super(message);
    }
  }

  /** A column that cannot be used in any row. */
  static final class UnusableColumnException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UnusableColumnException(String message) {
      super(message);
    }
  }

  private final GroupConverter root;
  private ObjectNode row;
  private long size;
  private int values;

  /**
   * @throws UnusableColumnException for a type that no text is made of
   */
  ParquetRecords(MessageType schema) {
    root = new StructConverter(schema, "", 0, value -> row = (ObjectNode) value);
  }

  @Override
  public GroupConverter getRootConverter() {
    return root;
  }

  @Override
  public ObjectNode getCurrentRecord() {
    return row;
  }

  /** About how many characters the newest row has. */
  int size() {
    return (int) size;
  }

  private void count(String column, int characters) {
    size += 1 + characters;
    values++;
    if (values > MAX_VALUES || size > MAX_ROW_SIZE) {
      throw new UnusableValueException(
          "column "
              + column
              + ": expected a row of at most "
              + MAX_VALUES
              + " values and "
              + MAX_ROW_SIZE
              + " bytes, found more");
    }
  }

  private Converter converter(Type type, String path, int depth, Consumer<JsonNode> sink) {
    if (depth > MAX_DEPTH) {
      throw new UnusableColumnException(
          "column " + path + ": expected at most " + MAX_DEPTH + " levels, found more");
    }
    if (type.isPrimitive()) {
      return new ScalarConverter(type.asPrimitiveType(), path, sink);
    }
    GroupType group = type.asGroupType();
    boolean wrapsRepeated =
        group.getFieldCount() == 1 && group.getType(0).isRepetition(Repetition.REPEATED);
    LogicalTypeAnnotation annotation = group.getLogicalTypeAnnotation();
    if (wrapsRepeated && annotation instanceof ListLogicalTypeAnnotation) {
      return new ListConverter(group, path, depth, sink);
    }
    if (wrapsRepeated
        && annotation instanceof MapLogicalTypeAnnotation
        && !group.getType(0).isPrimitive()
        && group.getType(0).asGroupType().getFieldCount() == 2) {
      return new MapConverter(group, path, depth, sink);
    }
    return new StructConverter(group, path, depth, sink);
  }

  /** An object; a repeated field without an annotation is a list of it. */
  private final class StructConverter extends GroupConverter {

    private final GroupType type;
    private final String path;
    private final List<Converter> fields = new ArrayList<>();
    private final Consumer<JsonNode> sink;
    private ObjectNode current;

    StructConverter(GroupType type, String path, int depth, Consumer<JsonNode> sink) {
      this.type = type;
      this.path = path;
      this.sink = sink;
      for (Type field : type.getFields()) {
        String name = field.getName();
        Consumer<JsonNode> into =
            field.isRepetition(Repetition.REPEATED)
                ? value -> ((ArrayNode) current.get(name)).add(value)
                : value -> current.set(name, value);
        fields.add(converter(field, path.isEmpty() ? name : path + "." + name, depth + 1, into));
      }
    }

    @Override
    public void start() {
      if (path.isEmpty()) {
        size = 0;
        values = 0;
      }
      count(path, type.getFieldCount());
      current = JSON.objectNode();
      for (Type field : type.getFields()) {
        current.set(
            field.getName(),
            field.isRepetition(Repetition.REPEATED) ? JSON.arrayNode() : NullNode.instance);
      }
    }

    @Override
    public Converter getConverter(int index) {
      return fields.get(index);
    }

    @Override
    public void end() {
      sink.accept(current);
    }
  }

  /** A list. Its elements lie in a group of one field, or, in old files, in the repeated field. */
  private final class ListConverter extends GroupConverter {

    private final String path;
    private final Converter element;
    private final Consumer<JsonNode> sink;
    private ArrayNode list;

    ListConverter(GroupType type, String path, int depth, Consumer<JsonNode> sink) {
      this.path = path;
      this.sink = sink;
      Type repeated = type.getType(0);
      element =
          wrapsElement(repeated, type.getName())
              ? new ElementConverter(repeated.asGroupType(), path, depth)
              : converter(repeated, path, depth + 1, value -> list.add(value));
    }

    /** The rules for old files are those of the format's specification. */
    private static boolean wrapsElement(Type repeated, String listName) {
      return !repeated.isPrimitive()
          && repeated.asGroupType().getFieldCount() == 1
          && !repeated.getName().equals("array")
          && !repeated.getName().equals(listName + "_tuple");
    }

    @Override
    public void start() {
      count(path, 0);
      list = JSON.arrayNode();
    }

    @Override
    public Converter getConverter(int index) {
      return element;
    }

    @Override
    public void end() {
      sink.accept(list);
    }

    private final class ElementConverter extends GroupConverter {

      private final Converter inner;
      private JsonNode value;

      ElementConverter(GroupType repeated, String path, int depth) {
        inner = converter(repeated.getType(0), path, depth + 1, found -> value = found);
      }

      @Override
      public void start() {
        count(path, 0);
        value = NullNode.instance;
      }

      @Override
      public Converter getConverter(int index) {
        return inner;
      }

      @Override
      public void end() {
        list.add(value);
      }
    }
  }

  /** A map is an object under the texts of its keys. */
  private final class MapConverter extends GroupConverter {

    private final String path;
    private final GroupConverter entry;
    private final Consumer<JsonNode> sink;
    private ObjectNode map;

    MapConverter(GroupType type, String path, int depth, Consumer<JsonNode> sink) {
      this.path = path;
      this.sink = sink;
      GroupType entries = type.getType(0).asGroupType();
      String key = entries.getType(0).getName();
      String value = entries.getType(1).getName();
      entry =
          new StructConverter(
              entries,
              path,
              depth + 1,
              found -> map.set(found.path(key).asText(), found.path(value)));
    }

    @Override
    public void start() {
      count(path, 0);
      map = JSON.objectNode();
    }

    @Override
    public Converter getConverter(int index) {
      return entry;
    }

    @Override
    public void end() {
      sink.accept(map);
    }
  }

  private final class ScalarConverter extends PrimitiveConverter {

    private final String path;
    private final Consumer<JsonNode> sink;

    ScalarConverter(PrimitiveType type, String path, Consumer<JsonNode> sink) {
      this.path = path;
      this.sink = sink;
      switch (type.getPrimitiveTypeName()) {
        case FIXED_LEN_BYTE_ARRAY, INT96 -> throw unusable(type);
        default -> {
          if (type.getLogicalTypeAnnotation()
              instanceof LogicalTypeAnnotation.DecimalLogicalTypeAnnotation) {
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
      count(path, value.length());
      try {
        sink.accept(
            JSON.textNode(
                StandardCharsets.UTF_8.newDecoder().decode(value.toByteBuffer()).toString()));
      } catch (CharacterCodingException e) {
        throw new UnusableValueException("column " + path + ": expected UTF-8, found other bytes");
      }
    }

    @Override
    public void addBoolean(boolean value) {
      count(path, 0);
      sink.accept(JSON.booleanNode(value));
    }

    @Override
    public void addInt(int value) {
      count(path, 0);
      sink.accept(JSON.numberNode(value));
    }

    @Override
    public void addLong(long value) {
      count(path, 0);
      sink.accept(JSON.numberNode(value));
    }

    @Override
    public void addFloat(float value) {
      count(path, 0);
      sink.accept(JSON.numberNode(value));
    }

    @Override
    public void addDouble(double value) {
      count(path, 0);
      sink.accept(JSON.numberNode(value));
    }
  }
}
