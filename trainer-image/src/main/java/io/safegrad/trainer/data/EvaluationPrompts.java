package io.safegrad.trainer.data;

import com.fasterxml.jackson.databind.JsonNode;
import io.safegrad.trainer.TrainerException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Reads prompts to evaluate, from the same files as {@link TrainingExamples}. Each record is one of
 *
 * <ul>
 *   <li>{@code {"messages": [{"role": "user", "content": "…"}]}}: a chat, rendered with the model's
 *       chat template; when its last turn is an assistant's, that turn is the expected reply;
 *   <li>{@code {"prompt": [messages]}}: a chat to be answered;
 *   <li>{@code {"prompt": "…"}}: a text to be continued, given to the model without a template.
 *   <li>{@code {"instruction": "…", "input": "…"}}: an instruction, given as in training; with
 *       {@code "output"}, the expected reply.
 * </ul>
 *
 * With {@code "completion"}, a text or a list of one message, the expected reply. So every record
 * to train on, a mere text excepted, is one to evaluate, too.
 */
public final class EvaluationPrompts {

  private EvaluationPrompts() {}

  /**
   * Reads a whole file.
   *
   * @param displayName the file's name in errors
   * @throws TrainerException with BAD_DATA naming {@code displayName:line} for a line that is not
   *     one of the forms above or that the chat template refuses
   */
  public static List<EvaluationPrompt> read(
      Path file, String displayName, Tokenizer tokenizer, ChatTemplate template) {
    ExampleTokenizer examples = new ExampleTokenizer(tokenizer, template);
    return DataFile.read(file, displayName, record -> prompt(record, examples));
  }

  private static EvaluationPrompt prompt(DataRecord record, ExampleTokenizer examples) {
    List<String> found =
        Stream.of("messages", "instruction", "prompt").filter(record.object()::has).toList();
    if (found.size() != 1) {
      throw record.error(
          "expected one of the fields messages, prompt or instruction, found "
              + (found.isEmpty() ? "none" : found.get(0) + " and " + found.get(1)));
    }
    EvaluationPrompt prompt =
        switch (found.get(0)) {
          case "messages" -> chat(record, examples);
          case "instruction" -> instruction(record, examples);
          default ->
              record.object().path("prompt").isArray()
                  ? prompt(
                      record, examples, JsonFields.messages(record, "prompt"), completion(record))
                  : text(record, examples);
        };
    if (prompt.inputIds().length == 0) {
      throw record.error("expected a prompt of at least one token, found none");
    }
    return prompt;
  }

  private static EvaluationPrompt chat(DataRecord record, ExampleTokenizer examples) {
    List<Message> messages = JsonFields.messages(record, "messages");
    Message last = messages.get(messages.size() - 1);
    String expected = completion(record);
    if (last.role().equals("assistant")) {
      if (expected != null) {
        throw record.error(
            "expected one reply, found both the field completion and an assistant's last turn");
      }
      expected = last.content();
      messages = messages.subList(0, messages.size() - 1);
    }
    return prompt(record, examples, messages, expected);
  }

  private static EvaluationPrompt prompt(
      DataRecord record, ExampleTokenizer examples, List<Message> messages, String expected) {
    return new EvaluationPrompt(
        examples.prompt(record, messages), words(messages), expected, record.line());
  }

  private static EvaluationPrompt instruction(DataRecord record, ExampleTokenizer examples) {
    Instruction instruction = Instruction.of(record);
    return new EvaluationPrompt(
        examples.prompt(record, instruction),
        instruction.message().content(),
        optionalText(record, "output"),
        record.line());
  }

  private static EvaluationPrompt text(DataRecord record, ExampleTokenizer examples) {
    String text = JsonFields.text(record, "prompt");
    return new EvaluationPrompt(examples.prompt(text), text, completion(record), record.line());
  }

  private static String words(List<Message> messages) {
    return messages.size() == 1
        ? messages.get(0).content()
        : messages.stream()
            .map(message -> message.role() + ": " + message.content())
            .collect(Collectors.joining("\n\n"));
  }

  private static String completion(DataRecord record) {
    if (!record.object().path("completion").isArray()) {
      return optionalText(record, "completion");
    }
    List<Message> messages = JsonFields.messages(record, "completion");
    if (messages.size() != 1) {
      throw record.error(
          "field completion: expected one message, found " + messages.size() + " messages");
    }
    return messages.get(0).content();
  }

  /** Null for none. */
  private static String optionalText(DataRecord record, String field) {
    JsonNode text = record.object().path(field);
    return text.isMissingNode() || text.isNull() ? null : JsonFields.text(record, field);
  }
}
