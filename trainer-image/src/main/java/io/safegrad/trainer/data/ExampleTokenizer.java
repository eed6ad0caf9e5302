package io.safegrad.trainer.data;

import io.safegrad.api.v1alpha1.Dataset.TrainOn;
import io.safegrad.trainer.TrainerException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Turns chats and pairs of texts into token ids, and finds where replies begin and end. */
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
   * @param replies the parts to train on, one at least, in their order
   */
  record Tokens(int[] ids, List<Reply> replies) {}

  /**
   * A part of an example.
   *
   * @param start index of its first token
   * @param end index after its last token
   */
  record Reply(int start, int end) {

    int length() {
      return end - start;
    }
  }

  /** A chat whose last message is an assistant's. */
  Tokens chat(DataRecord record, List<Message> messages, String field, TrainOn trainOn) {
    Message last = messages.get(messages.size() - 1);
    if (messages.stream().noneMatch(ExampleTokenizer::isAssistant)) {
      throw record.error("field " + field + ": expected an assistant's turn, found none");
    }
    if (!isAssistant(last)) {
      throw record.error(
          "field "
              + field
              + ": expected the last message to be the assistant's, found role "
              + last.role());
    }
    int[] whole = closedByEndToken(render(record, messages, false));
    List<Reply> replies = new ArrayList<>();
    for (int i = 0; i < messages.size(); i++) {
      boolean isLast = i == messages.size() - 1;
      if (isLast || trainOn == TrainOn.AllTurns && isAssistant(messages.get(i))) {
        int start = start(record, messages.subList(0, i), whole);
        int end = isLast ? whole.length : end(record, messages.subList(0, i + 1), whole, start);
        replies.add(new Reply(start, end));
      }
    }
    return new Tokens(whole, replies);
  }

  private int start(DataRecord record, List<Message> before, int[] whole) {
    int[] prompt = prompt(record, before);
    if (!isPrefix(prompt, whole)) {
      throw record.error(
          "the chat template writes this chat's prompt in another way once the reply follows, so"
              + " the reply's tokens cannot be told from the prompt's");
    }
    return prompt.length;
  }

  /**
   * Where an earlier reply ends. Some templates, Qwen3's for one, write a reply in another way
   * while it is the last; then the token that ends the chat ends this reply, too.
   */
  private int end(DataRecord record, List<Message> messages, int[] whole, int start) {
    int[] through = closedByEndToken(render(record, messages, false));
    if (through.length >= start && isPrefix(through, whole)) {
      return through.length;
    }
    int endToken = whole[whole.length - 1];
    for (int i = start; i < whole.length && tokenizer.isSpecial(endToken); i++) {
      if (whole[i] == endToken) {
        return i + 1;
      }
    }
    throw record.error(
        "the chat template writes an earlier reply in another way once a turn follows, so its end"
            + " cannot be told; expected dataset.trainOn: LastTurn for this model");
  }

  private static boolean isAssistant(Message message) {
    return message.role().equals("assistant");
  }

  /** A chat that the model is to answer. */
  int[] prompt(DataRecord record, List<Message> messages) {
    return tokenizer.encode(render(record, messages, true));
  }

  /** An instruction with its response. */
  Tokens instruction(DataRecord record, Instruction instruction, String response) {
    return template.isMissing()
        ? texts(instruction.prompt(), response)
        : chat(
            record,
            List.of(instruction.message(), new Message("assistant", response)),
            "output",
            TrainOn.LastTurn);
  }

  /** An instruction that the model is to follow. */
  int[] prompt(DataRecord record, Instruction instruction) {
    return template.isMissing()
        ? prompt(instruction.prompt())
        : prompt(record, List.of(instruction.message()));
  }

  /**
   * Two texts. The response's tokens are what the whole text has after the prompt's tokens; where
   * joining the texts would change the prompt's last tokens, the texts are encoded one by one, so
   * that training sees the prompt just as generation will.
   */
  Tokens texts(String prompt, String completion) {
    int[] promptIds = prompt(prompt);
    int[] wholeIds = prompt(prompt + completion);
    int[] ids =
        isPrefix(promptIds, wholeIds) ? wholeIds : concat(promptIds, tokenizer.encode(completion));
    int[] closed = concat(ids, tokenizer.endOfSequenceId().stream().toArray());
    return new Tokens(closed, List.of(new Reply(promptIds.length, closed.length)));
  }

  /** A text that the model is to continue. */
  int[] prompt(String text) {
    return concat(tokenizer.textStart(), tokenizer.encode(text));
  }

  /** A whole text, closed with the end-of-sequence token unless the text has it already. */
  int[] text(String text) {
    int[] ids = prompt(text);
    int[] end = tokenizer.endOfSequenceId().stream().toArray();
    boolean closed = ids.length > 0 && end.length > 0 && ids[ids.length - 1] == end[0];
    return closed ? ids : concat(ids, end);
  }

  /** Many templates write a line break after the end token; generation never gets there. */
  private int[] closedByEndToken(String text) {
    int[] stripped = tokenizer.encode(text.stripTrailing());
    boolean closed = stripped.length > 0 && tokenizer.isSpecial(stripped[stripped.length - 1]);
    return closed ? stripped : tokenizer.encode(text);
  }

  private String render(DataRecord record, List<Message> messages, boolean generationPrompt) {
    try {
      return template.render(messages, JsonFields.tools(record), generationPrompt);
    } catch (TrainerException e) {
      throw record.error(e.getMessage());
    }
  }

  private static boolean isPrefix(int[] prefix, int[] whole) {
    return whole.length >= prefix.length
        && Arrays.equals(prefix, 0, prefix.length, whole, 0, prefix.length);
  }

  private static int[] concat(int[] first, int[] second) {
    return IntStream.concat(IntStream.of(first), IntStream.of(second)).toArray();
  }
}
