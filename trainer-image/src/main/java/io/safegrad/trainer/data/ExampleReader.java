package io.safegrad.trainer.data;

import com.fasterxml.jackson.databind.JsonNode;
import io.safegrad.api.v1alpha1.Dataset.Format;
import io.safegrad.api.v1alpha1.Dataset.TrainOn;
import io.safegrad.api.v1alpha1.Dataset.Truncation;
import io.safegrad.trainer.TrainerException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Makes a record an example: its token ids and labels, of no more than the longest length. */
record ExampleReader(ExampleTokenizer examples, TrainingExamples.Rules rules) {

  /**
   * What became of a record.
   *
   * @param example null when it is left out
   * @param truncated whether its end was cut off
   */
  record Cut(TokenizedExample example, boolean truncated) {

    private static final Cut DROPPED = new Cut(null, false);
  }

  /**
   * The example that a record holds.
   *
   * @param format of the record
   * @throws TrainerException with BAD_DATA naming the record
   */
  Cut example(DataRecord record, Format format) {
    return switch (format) {
      case Chat ->
          labelled(
              record,
              examples.chat(
                  record, JsonFields.messages(record, "messages"), "messages", rules.trainOn()));
      case Instruction ->
          labelled(
              record,
              examples.instruction(
                  record, Instruction.of(record), JsonFields.text(record, "output")));
      case PromptCompletion -> labelled(record, pair(record));
      case Text -> text(record);
    };
  }

  private ExampleTokenizer.Tokens pair(DataRecord record) {
    JsonNode prompt = record.object().get("prompt");
    if (!prompt.isArray()) {
      return examples.texts(
          JsonFields.text(record, "prompt"), JsonFields.text(record, "completion"));
    }
    List<Message> messages = new ArrayList<>(JsonFields.messages(record, "prompt"));
    List<Message> completion = JsonFields.messages(record, "completion");
    if (completion.size() != 1) {
      throw record.error(
          "field completion: expected one message, found " + completion.size() + " messages");
    }
    messages.addAll(completion);
    return examples.chat(record, messages, "completion", TrainOn.LastTurn);
  }

  private Cut labelled(DataRecord record, ExampleTokenizer.Tokens tokens) {
    tokens.replies().forEach(reply -> requireTokens(record, reply));
    if (isLeftOut(record, tokens.ids())) {
      return Cut.DROPPED;
    }
    tokens.replies().forEach(reply -> requireWithinLimit(record, reply));
    int promptLength = tokens.replies().get(0).start();
    if (promptLength >= rules.maxLength()) {
      throw record.error(
          "the response would be cut away wholly: expected a prompt of fewer than "
              + rules.maxLength()
              + " tokens (training.maxLength), or dataset.truncation: Drop, found "
              + promptLength);
    }
    int[] inputIds = cut(tokens.ids());
    int[] labels = new int[inputIds.length];
    Arrays.fill(labels, TokenizedExample.IGNORED);
    for (ExampleTokenizer.Reply reply : tokens.replies()) {
      for (int i = reply.start(); i < Math.min(reply.end(), labels.length); i++) {
        labels[i] = inputIds[i];
      }
    }
    return new Cut(
        new TokenizedExample(inputIds, labels, record.line()),
        inputIds.length < tokens.ids().length);
  }

  /** What is done with a record that is too long; false for one that is not, or is to be cut. */
  private boolean isLeftOut(DataRecord record, int[] ids) {
    if (ids.length <= rules.maxLength()) {
      return false;
    }
    if (rules.truncation() == Truncation.Refuse) {
      throw record.error(
          "expected at most "
              + rules.maxLength()
              + " tokens (training.maxLength; dataset.truncation: Refuse), found "
              + ids.length);
    }
    return rules.truncation() == Truncation.Drop;
  }

  private void requireTokens(DataRecord record, ExampleTokenizer.Reply reply) {
    if (reply.length() == 0) {
      throw record.error("expected a response of at least one token, found none");
    }
    if (reply.start() == 0) {
      throw record.error("expected a prompt of at least one token, found none");
    }
  }

  private void requireWithinLimit(DataRecord record, ExampleTokenizer.Reply reply) {
    if (reply.length() > rules.maxLength()) {
      throw record.error(
          "the response is longer than the limit: expected at most "
              + rules.maxLength()
              + " tokens (training.maxLength), or dataset.truncation: Drop, found "
              + reply.length());
    }
  }

  /** The first token has nothing before it that could predict it. */
  private Cut text(DataRecord record) {
    String text = JsonFields.text(record, "text");
    int[] ids = examples.text(text);
    if (text.isEmpty() || ids.length < 2) {
      throw record.error("field text: expected at least two tokens, found fewer");
    }
    if (isLeftOut(record, ids)) {
      return Cut.DROPPED;
    }
    int[] inputIds = cut(ids);
    int[] labels = inputIds.clone();
    labels[0] = TokenizedExample.IGNORED;
    return new Cut(
        new TokenizedExample(inputIds, labels, record.line()), inputIds.length < ids.length);
  }

  private int[] cut(int[] ids) {
    return Arrays.copyOf(ids, Math.min(ids.length, rules.maxLength()));
  }
}
