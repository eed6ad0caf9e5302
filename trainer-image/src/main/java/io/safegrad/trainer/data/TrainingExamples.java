package io.safegrad.trainer.data;

import com.fasterxml.jackson.databind.JsonNode;
import io.safegrad.trainer.TrainerException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Reads examples to train on. Each line is one of
 *
 * <ul>
 *   <li>{@code {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", …}]}}: a chat
 *       that ends with an assistant's turn, rendered with the model's chat template;
 *   <li>{@code {"prompt": [messages], "completion": [messages]}}: the same chat in two parts, of
 *       which the completion is one assistant's turn;
 *   <li>{@code {"prompt": "…", "completion": "…"}}: two texts, put together without a template and
 *       closed with the end-of-sequence token, as TRL does.
 * </ul>
 *
 * Other fields of a line are not looked at. The loss is on the response alone: the last assistant's
 * turn, or the completion, with the token that ends it.
 */
public final class TrainingExamples {

  private TrainingExamples() {}

  /**
   * Reads a whole data set.
   *
   * @param displayName the file's name in errors
   * @param maxLength most tokens of an example; a longer one is cut at its end
   * @throws TrainerException with BAD_DATA naming {@code displayName:line} for a line that is not
   *     one of the forms above, that the chat template refuses, or whose response cannot be kept:
   *     alone longer than maxLength, or cut away wholly because the prompt fills it
   */
  public static List<TokenizedExample> read(
      Path file, String displayName, Tokenizer tokenizer, ChatTemplate template, int maxLength) {
    ExampleTokenizer examples = new ExampleTokenizer(tokenizer, template);
    return JsonLines.read(file, displayName, line -> example(line, examples, maxLength));
  }

  private static TokenizedExample example(
      JsonLines.Line line, ExampleTokenizer examples, int maxLength) {
    boolean chat = line.object().has("messages");
    boolean pair = line.object().has("prompt") && line.object().has("completion");
    if (chat == pair) {
      throw line.error(
          "expected either the field messages or the fields prompt and completion, found "
              + (chat ? "both" : "neither"));
    }
    ExampleTokenizer.Tokens tokens;
    if (chat) {
      tokens = examples.chat(line, JsonFields.messages(line, "messages"), "messages");
    } else if (line.object().get("prompt").isArray()) {
      List<Message> messages = new ArrayList<>(JsonFields.messages(line, "prompt"));
      List<Message> completion = JsonFields.messages(line, "completion");
      if (completion.size() != 1) {
        throw line.error(
            "field completion: expected one message, found " + completion.size() + " messages");
      }
      messages.addAll(completion);
      tokens = examples.chat(line, messages, "completion");
    } else {
      JsonNode object = line.object();
      tokens =
          examples.texts(
              JsonFields.text(line, "prompt", object.get("prompt")),
              JsonFields.text(line, "completion", object.get("completion")));
    }
    return labelled(line, tokens, maxLength);
  }

  private static TokenizedExample labelled(
      JsonLines.Line line, ExampleTokenizer.Tokens tokens, int maxLength) {
    int response = tokens.ids().length - tokens.promptLength();
    if (response == 0) {
      throw line.error("expected a response of at least one token, found none");
    }
    if (tokens.promptLength() == 0) {
      throw line.error("expected a prompt of at least one token, found none");
    }
    if (response > maxLength) {
      throw line.error(
          "the response is longer than the limit: expected at most "
              + maxLength
              + " tokens (training.maxLength), found "
              + response);
    }
    if (tokens.promptLength() >= maxLength) {
      throw line.error(
          "the response would be cut away wholly: expected a prompt of fewer than "
              + maxLength
              + " tokens (training.maxLength), found "
              + tokens.promptLength());
    }
    int[] inputIds = Arrays.copyOf(tokens.ids(), Math.min(tokens.ids().length, maxLength));
    int[] labels =
        IntStream.range(0, inputIds.length)
            .map(i -> i < tokens.promptLength() ? TokenizedExample.IGNORED : inputIds[i])
            .toArray();
    return new TokenizedExample(inputIds, labels, line.number());
  }
}
