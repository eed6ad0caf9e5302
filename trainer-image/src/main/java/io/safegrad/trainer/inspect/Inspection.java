package io.safegrad.trainer.inspect;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.trainer.TrainerException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.StringJoiner;

/** What was found out about a file or directory. */
public final class Inspection {

  private static final String PROBLEM = "PROBLEM";

  private final ObjectNode facts = new ObjectMapper().createObjectNode();
  private final List<String> problems = new ArrayList<>();

  /** Something whose failure is one of the problems found. */
  @FunctionalInterface
  interface Look {

    /** Adds what it sees. */
    void run();
  }

  Inspection(Path path, String kind) {
    facts.put("path", path.toString());
    facts.put("kind", kind);
  }

  /** Where a fact is put. */
  ObjectNode facts() {
    return facts;
  }

  /** What keeps it from being used. */
  void problem(String sentence) {
    problems.add(sentence);
  }

  /** Looks closer; what cannot be read is a problem and not the end. */
  void look(Look look) {
    try {
      look.run();
    } catch (TrainerException e) {
      problems.add(e.getMessage());
    }
  }

  /** What keeps it from being used; empty when nothing does. */
  public List<String> problems() {
    return List.copyOf(problems);
  }

  /** Every fact, and the list {@code problems}. */
  public ObjectNode json() {
    ObjectNode json = facts.deepCopy();
    problems.forEach(json.putArray("problems")::add);
    return json;
  }

  /** A row for each fact and each problem. */
  public String text() {
    List<String> labels = new ArrayList<>();
    facts.fieldNames().forEachRemaining(name -> labels.add(words(name)));
    labels.addAll(Collections.nCopies(problems.size(), PROBLEM));
    int width = labels.stream().mapToInt(String::length).max().orElse(0);
    List<String> values = new ArrayList<>();
    facts.forEach(fact -> values.add(shown(fact)));
    values.addAll(problems);
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < labels.size(); i++) {
      String label = labels.get(i);
      text.append(label).append(" ".repeat(width + 2 - label.length()));
      text.append(values.get(i)).append(System.lineSeparator());
    }
    return text.toString();
  }

  /** {@code endTokens} as {@code end tokens}. */
  private static String words(String name) {
    return name.replaceAll("([a-z])([A-Z])", "$1 $2").toLowerCase(Locale.ROOT);
  }

  private static String shown(JsonNode value) {
    if (value.isIntegralNumber()) {
      return String.format(Locale.ROOT, "%,d", value.asLong());
    }
    if (value.isObject()) {
      StringJoiner parts = new StringJoiner(", ");
      value.properties().forEach(part -> parts.add(part.getKey() + " " + shown(part.getValue())));
      return parts.toString();
    }
    if (value.isArray()) {
      StringJoiner parts = new StringJoiner(", ");
      value.forEach(part -> parts.add(part.asText()));
      return parts.length() == 0 ? "none" : parts.toString();
    }
    return value.isNull() ? "none" : value.asText();
  }
}
