package io.safegrad.trainer.data;

import io.safegrad.trainer.TrainerException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Turns chats and pairs of texts into token ids, and finds where the response begins and ends. */
final class ExampleTokenizer {

  private final Tokenizer tokenizer;
  private final ChatTemplate template;

  ExampleTokenizer(Tokenizer tokenizer, ChatTemplate template) {
    this.tokenizer = tokenizer;
    this.template = template;
  }

  /**
   * Token ids of one example.
   *
   * @param promptLength how many of them come before the response
   */
  record Tokens(int[] ids, int promptLength) {}

  /** A chat whose last message is the response. */
  Tokens chat(JsonLines.Line line, List<Message> messages, String field) {
    Message last = messages.get(messages.size() - 1);
    if (messages.stream().noneMatch(message -> message.role().equals("assistant"))) {
      throw line.error("field " + field + ": expected an assistant's turn, found none");
    }
    if (!last.role().equals("assistant")) {
      throw line.error(
          "field "
              + field
              + ": expected the last message to be the assistant's, found role "
              + last.role());
    }
    int[] prompt = prompt(line, messages.subList(0, messages.size() - 1));
    int[] whole = closedByEndToken(render(line, messages, false));
    if (whole.length < prompt.length
        || !Arrays.equals(prompt, 0, prompt.length, whole, 0, prompt.length)) {
      throw line.error(
          "the chat template writes this chat's prompt in another way once the reply follows, so"
              + " the reply's tokens cannot be told from the prompt's");
    }
    return new Tokens(whole, prompt.length);
  }

  /** A chat that the model is to answer. */
  int[] prompt(JsonLines.Line line, List<Message> messages) {
    return tokenizer.encode(render(line, messages, true));
  }

  /**
   * Two texts. The response's tokens are what the whole text has after the prompt's tokens; where
   * joining the texts would change the prompt's last tokens, the texts are encoded one by one, so
   * that training sees the prompt just as generation will.
   */
  Tokens texts(String prompt, String completion) {
    int[] promptIds = prompt(prompt);
    int[] wholeIds = prompt(prompt + completion);
    boolean prefix =
        wholeIds.length >= promptIds.length
            && Arrays.equals(promptIds, 0, promptIds.length, wholeIds, 0, promptIds.length);
    int[] ids = prefix ? wholeIds : concat(promptIds, tokenizer.encode(completion));
    int[] end = tokenizer.endOfSequenceId().stream().toArray();
    return new Tokens(concat(ids, end), promptIds.length);
  }

  /** A text that the model is to continue. */
  int[] prompt(String text) {
    return concat(tokenizer.textStart(), tokenizer.encode(text));
  }

  /** Many templates write a line break after the end token; generation never gets there. */
  private int[] closedByEndToken(String text) {
    int[] stripped = tokenizer.encode(text.stripTrailing());
    boolean closed = stripped.length > 0 && tokenizer.isSpecial(stripped[stripped.length - 1]);
    return closed ? stripped : tokenizer.encode(text);
  }

  private String render(JsonLines.Line line, List<Message> messages, boolean generationPrompt) {
    try {
      return template.render(messages, generationPrompt);
    } catch (TrainerException e) {
      throw line.error(e.getMessage());
    }
  }

  private static int[] concat(int[] first, int[] second) {
    return IntStream.concat(IntStream.of(first), IntStream.of(second)).toArray();
  }
}
