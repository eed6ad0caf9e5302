package io.safegrad.trainer.data;

import com.fasterxml.jackson.databind.JsonNode;
import io.safegrad.trainer.TrainerException;
import java.nio.file.Path;
import java.util.List;

/**
 * Reads prompts to evaluate. Each line is one of
 *
 * <ul>
 *   <li>{@code {"messages": [{"role": "user", "content": "…"}]}}: a chat, rendered with the model's
 *       chat template; when its last turn is an assistant's, that turn is the expected reply;
 *   <li>{@code {"prompt": [messages]}}: a chat to be answered;
 *   <li>{@code {"prompt": "…"}}: a text to be continued, given to the model without a template.
 * </ul>
 *
 * With {@code "completion"}, a text or a list of one message, the expected reply. So every line to
 * train on is a line to evaluate, too.
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
    return JsonLines.read(file, displayName, line -> prompt(line, examples));
  }

  private static EvaluationPrompt prompt(JsonLines.Line line, ExampleTokenizer examples) {
    JsonNode prompt = line.object().path("prompt");
    if (line.object().has("messages") == !prompt.isMissingNode()) {
      throw line.error(
          "expected either the field messages or the field prompt, found "
              + (prompt.isMissingNode() ? "neither" : "both"));
    }
    String expected = completion(line);
    int[] inputIds;
    if (prompt.isMissingNode()) {
      List<Message> messages = JsonFields.messages(line, "messages");
      Message last = messages.get(messages.size() - 1);
      if (last.role().equals("assistant")) {
        if (expected != null) {
          throw line.error(
              "expected one reply, found both the field completion and an assistant's last turn");
        }
        expected = last.content();
        messages = messages.subList(0, messages.size() - 1);
      }
      inputIds = examples.prompt(line, messages);
    } else if (prompt.isArray()) {
      inputIds = examples.prompt(line, JsonFields.messages(line, "prompt"));
    } else {
      inputIds = examples.prompt(JsonFields.text(line, "prompt", prompt));
    }
    if (inputIds.length == 0) {
      throw line.error("expected a prompt of at least one token, found none");
    }
    return new EvaluationPrompt(inputIds, expected, line.number());
  }

  private static String completion(JsonLines.Line line) {
    JsonNode completion = line.object().path("completion");
    if (completion.isMissingNode() || completion.isNull()) {
      return null;
    }
    if (completion.isArray()) {
      List<Message> messages = JsonFields.messages(line, "completion");
      if (messages.size() != 1) {
        throw line.error(
            "field completion: expected one message, found " + messages.size() + " messages");
      }
      return messages.get(0).content();
    }
    return JsonFields.text(line, "completion", completion);
  }
}
