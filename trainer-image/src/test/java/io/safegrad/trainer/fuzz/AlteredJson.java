package io.safegrad.trainer.fuzz;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Alters the values and the fields of a JSON object: other types, numbers at their edges, broken
 * Unicode, deep nesting, long values, fields that are missing, renamed or there twice.
 */
final class AlteredJson implements Alteration {

  private static final ObjectMapper JSON = new ObjectMapper();

  /** Stands in the tree for what a tree cannot hold. */
  private static final String PLACE = "\u0001place";

  static final List<String> VALUES =
      List.of(
          "null",
          "true",
          "false",
          "[]",
          "{}",
          "\"\"",
          "0",
          "-0",
          "-1",
          "1",
          "2",
          "0.5",
          "-0.5",
          "1e-7",
          "NaN",
          "Infinity",
          "-Infinity",
          "1e400",
          "-1e400",
          "1e999999999",
          "1e-999999999",
          "127",
          "255",
          "65536",
          "1000000",
          "2147483647",
          "2147483648",
          "-2147483648",
          "4294967296",
          "9223372036854775807",
          "9223372036854775808",
          "-9223372036854775809",
          "9".repeat(400),
          "0." + "9".repeat(400),
          "\"\\ud800\"",
          "\"\\u0000\"",
          "\"\\u2028\\n\\r\\t\"",
          "\"\\u202e\\ufeff\"",
          "\"" + "x".repeat(20_000) + "\"",
          "\"\\ud83d\\ude00\"",
          "\"(\"",
          "\"[\"",
          "\"(a+)+$\"",
          "\"..\\/..\"",
          "[[]]",
          "[null]",
          "[{}]",
          "{\"\": null}",
          "[" + "0,".repeat(5_000) + "0]",
          nested("[", "]", 200),
          nested("[", "]", 900),
          nested("[", "]", 1_001),
          nested("[", "]", 20_000),
          nested("{\"a\":", "}", 900),
          nested("{\"a\":", "}", 20_000),
          "[".repeat(50_000));

  private static String nested(String open, String close, int depth) {
    return open.repeat(depth) + "0" + close.repeat(depth);
  }

  @Override
  public byte[] of(byte[] input, byte[] other, SplittableRandom random) {
    try {
      JsonNode tree = JSON.readTree(input);
      String text = tree.toString();
      for (int i = random.nextInt(3); i >= 0; i--) {
        tree = JSON.readTree(text);
        String altered = once(tree, random);
        text = altered == null ? text : tree.toString().replace("\"\\u0001place\"", altered);
      }
      return text.getBytes(StandardCharsets.UTF_8);
    } catch (JsonProcessingException | java.io.CharConversionException e) {
      return input; // What an earlier alteration has broken stays as it is.
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /** Puts {@link #PLACE} into the tree and returns what is to stand there; null for nothing. */
  private static String once(JsonNode tree, SplittableRandom random) {
    List<JsonNode> containers = new ArrayList<>();
    collect(tree, containers);
    if (containers.isEmpty()) {
      return null;
    }
    JsonNode container = containers.get(random.nextInt(containers.size()));
    String value = VALUES.get(random.nextInt(VALUES.size()));
    int place = random.nextInt(container.size());
    if (container instanceof ArrayNode array) {
      return alter(array, place, value, containers, random);
    }
    ObjectNode object = (ObjectNode) container;
    List<String> names = new ArrayList<>();
    object.fieldNames().forEachRemaining(names::add);
    String name = names.get(place);
    switch (random.nextInt(6)) {
      case 0 -> object.remove(name);
      case 1 -> {
        JsonNode old = object.get(name);
        object.put(name, PLACE);
        return old + "," + JSON.getNodeFactory().textNode(name) + ":" + value;
      }
      case 2 -> object.set(name + "\u2028\n", object.remove(name));
      case 3 -> {
        object.put(name, PLACE);
        return containers.get(random.nextInt(containers.size())).toString();
      }
      default -> {
        object.put(name, PLACE);
        return value;
      }
    }
    return "";
  }

  private static String alter(
      ArrayNode array, int place, String value, List<JsonNode> others, SplittableRandom random) {
    switch (random.nextInt(4)) {
      case 0 -> array.remove(place);
      case 1 -> array.insert(place, array.get(random.nextInt(array.size())));
      case 2 -> {
        String other = others.get(random.nextInt(others.size())).toString();
        array.set(place, PLACE);
        return other;
      }
      default -> {
        array.set(place, PLACE);
        return value;
      }
    }
    return "";
  }

  private static void collect(JsonNode node, List<JsonNode> containers) {
    if (node.isContainerNode() && !node.isEmpty()) {
      containers.add(node);
      node.forEach(child -> collect(child, containers));
    }
  }
}
