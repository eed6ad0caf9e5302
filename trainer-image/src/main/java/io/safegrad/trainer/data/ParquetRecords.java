package io.safegrad.trainer.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.apache.parquet.io.api.Converter;
import org.apache.parquet.io.api.GroupConverter;
import org.apache.parquet.io.api.RecordMaterializer;
import org.apache.parquet.schema.GroupType;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.ListLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.MapLogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.Type;
import org.apache.parquet.schema.Type.Repetition;

/**
 * Makes each row of a Parquet file an object of JSON. Lists are found in each of the forms that
 * writers have had for them; an absent value is null.
 */
final class ParquetRecords extends RecordMaterializer<ObjectNode> {

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
  private final ParquetRowSize size = new ParquetRowSize();
  private ObjectNode row;

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
    return size.characters();
  }

  private Converter converter(Type type, String path, int depth, Consumer<JsonNode> sink) {
    if (depth > MAX_DEPTH) {
      throw new UnusableColumnException(
          "column " + path + ": expected at most " + MAX_DEPTH + " levels, found more");
    }
    if (type.isPrimitive()) {
      return new ParquetScalar(type.asPrimitiveType(), path, size, sink);
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
        size.start();
      }
      size.count(path, type.getFieldCount());
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
      size.count(path, 0);
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
        size.count(path, 0);
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
      size.count(path, 0);
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
}
