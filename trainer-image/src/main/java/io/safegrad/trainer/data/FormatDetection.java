package io.safegrad.trainer.data;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.api.v1alpha1.Dataset.Format;
import io.safegrad.trainer.TrainerException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Holds every record of a file to one format: the declared one, or that of the first record. */
final class FormatDetection {

  private static final String FORMS =
      "messages (Chat), instruction and output (Instruction), prompt and completion"
          + " (PromptCompletion) or text (Text)";

  private final boolean declared;
  private Format format;

  /**
   * @param declared null to take the first record's format
   */
  FormatDetection(Format declared) {
    this.declared = declared != null;
    this.format = declared;
  }

  /**
   * Takes the format of the first record, or holds a record to it.
   *
   * @throws TrainerException with BAD_DATA when the record has no format's fields, or lacks those
   *     of this file's format
   */
  void check(DataRecord record) {
    if (format == null) {
      format = detect(record);
    }
    for (String field : fields(format)) {
      if (!record.object().has(field)) {
        throw record.error(
            "expected the field "
                + field
                + (declared
                    ? " of the declared format " + format
                    : " of the format " + format + ", as the first example has it")
                + "; found no such field");
      }
    }
  }

  /** The format of all records so far; null before the first. */
  Format found() {
    return format;
  }

  /** Only a set of fields is decisive; a plain text often stands beside what it was made from. */
  private static Format detect(DataRecord record) {
    List<Format> found = new ArrayList<>();
    for (Format format : List.of(Format.Chat, Format.Instruction, Format.PromptCompletion)) {
      if (has(record.object(), format)) {
        found.add(format);
      }
    }
    if (found.isEmpty() && has(record.object(), Format.Text)) {
      found.add(Format.Text);
    }
    if (found.isEmpty()) {
      throw record.error(
          "expected the fields "
              + FORMS
              + "; found "
              + known(record.object())
              + otherForm(record.object()));
    }
    if (found.size() > 1) {
      throw record.error(
          "expected the fields of one format, found those of "
              + found.get(0)
              + " and "
              + found.get(1)
              + "; say which one is meant (dataset.format)");
    }
    return found.get(0);
  }

  /** Which of these fields a record has; its other fields' names may be anything. */
  private static String known(ObjectNode object) {
    String found =
        Stream.of(Format.values())
            .flatMap(format -> fields(format).stream())
            .filter(object::has)
            .collect(Collectors.joining(" and "));
    return found.isEmpty() ? "none of these" : "of these only " + found;
  }

  /** What to do with a widespread form that is not read. */
  private static String otherForm(ObjectNode object) {
    if (object.has("conversations")) {
      return ", but conversations: rename it to messages, and in its turns from to role (human to"
          + " user, gpt to assistant) and value to content";
    }
    if (object.has("chosen")) {
      return ", but chosen: pairs of preferred and rejected replies are not read; to train on the"
          + " preferred ones, rename chosen to completion, or to messages where it holds the chat";
    }
    return "";
  }

  private static boolean has(ObjectNode object, Format format) {
    return fields(format).stream().allMatch(object::has);
  }

  private static List<String> fields(Format format) {
    return switch (format) {
      case Chat -> List.of("messages");
      case Instruction -> List.of("instruction", "output");
      case PromptCompletion -> List.of("prompt", "completion");
      case Text -> List.of("text");
    };
  }
}
