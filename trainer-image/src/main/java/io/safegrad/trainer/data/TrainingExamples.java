package io.safegrad.trainer.data;

import com.fasterxml.jackson.databind.JsonNode;
import io.safegrad.api.ExitReason;
import io.safegrad.api.v1alpha1.Dataset.Format;
import io.safegrad.api.v1alpha1.Dataset.TrainOn;
import io.safegrad.api.v1alpha1.Dataset.Truncation;
import io.safegrad.trainer.TrainerException;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Examples to train on. A file is JSON Lines, CSV with a header (its name ends in {@code .csv}),
 * either of them in gzip, or Parquet. All its records have one format:
 *
 * <ul>
 *   <li>Chat, {@code {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", …}]}}: a
 *       chat that ends with an assistant's turn, rendered with the model's chat template, its
 *       {@code "tools"} included;
 *   <li>Instruction, {@code {"instruction": "…", "input": "…", "output": "…"}}: for a model with a
 *       chat template, a chat whose user says instruction, blank line, input; for another model,
 *       the text of Stanford Alpaca;
 *   <li>PromptCompletion, {@code {"prompt": [messages], "completion": [messages]}}: a chat in two
 *       parts, of which the completion is one assistant's turn;
 *   <li>PromptCompletion, {@code {"prompt": "…", "completion": "…"}}: two texts, put together
 *       without a template and closed with the end-of-sequence token, as TRL does;
 *   <li>Text, {@code {"text": "…"}}: a text without a template, closed in the same way.
 * </ul>
 *
 * Other fields are not looked at. The loss is on the last assistant's turn (or on each), the output
 * or the completion, with the token that ends it; of a text, it is on the whole.
 *
 * @param examples one at least
 * @param format of all of them
 * @param truncated how many were cut at their end, since they were longer than the limit
 * @param dropped how many records are not among the examples, since they were longer than the limit
 */
public record TrainingExamples(
    List<TokenizedExample> examples, Format format, int truncated, int dropped)
    implements Closeable {

  /**
   * How records become examples.
   *
   * @param format null to take the format that the first record has
   * @param trainOn which assistant's turns of a chat are trained on
   * @param maxLength most tokens of an example
   * @param truncation what is done with a longer one; null for KeepStart, in a plan older than this
   *     field
   */
  public record Rules(Format format, TrainOn trainOn, int maxLength, Truncation truncation) {

    /** The same for examples whose end is cut off where they are too long. */
    public Rules(Format format, TrainOn trainOn, int maxLength) {
      this(format, trainOn, maxLength, Truncation.KeepStart);
    }
  }

  /** Reads a whole data set of any format; the loss is on the last turn. */
  public static List<TokenizedExample> read(
      Path file, String displayName, Tokenizer tokenizer, ChatTemplate template, int maxLength) {
    Rules rules = new Rules(null, TrainOn.LastTurn, maxLength);
    return read(file, displayName, tokenizer, template, rules).examples();
  }

  /**
   * Reads a whole data set.
   *
   * @param displayName the file's name in errors; its ending says what the file is
   * @throws TrainerException with BAD_DATA naming {@code displayName:line} for a record that is not
   *     of the file's format, that the chat template refuses, or with a reply that cannot be kept:
   *     alone longer than maxLength, or cut away wholly because the prompt fills it
   */
  public static TrainingExamples read(
      Path file, String displayName, Tokenizer tokenizer, ChatTemplate template, Rules rules) {
    return read(new ArrayList<>(), file, displayName, tokenizer, template, rules);
  }

  /**
   * The same for a data set of any size: the examples lie in a file, which {@link #close} gives up.
   *
   * @param folder where the file is made
   * @throws TrainerException also with INTERNAL, when the folder has no room
   */
  public static TrainingExamples read(
      Path file,
      String displayName,
      Tokenizer tokenizer,
      ChatTemplate template,
      Rules rules,
      Path folder) {
    ExampleFile examples = ExampleFile.create(folder);
    try {
      return read(examples, file, displayName, tokenizer, template, rules);
    } catch (RuntimeException e) {
      try {
        examples.close();
      } catch (IOException closing) {
        e.addSuppressed(closing);
      }
      throw e;
    }
  }

  private static TrainingExamples read(
      List<TokenizedExample> examples,
      Path file,
      String displayName,
      Tokenizer tokenizer,
      ChatTemplate template,
      Rules rules) {
    FormatDetection formats = new FormatDetection(rules.format());
    Reader reader = new Reader(new ExampleTokenizer(tokenizer, template), rules, formats);
    AtomicInteger truncated = new AtomicInteger();
    AtomicInteger dropped = new AtomicInteger();
    DataFile.forEach(
        file,
        displayName,
        record -> {
          formats.check(record);
          Cut cut = reader.example(record);
          if (cut.example() == null) {
            dropped.incrementAndGet();
          } else {
            examples.add(cut.example());
          }
          truncated.addAndGet(cut.truncated() ? 1 : 0);
        });
    if (examples.isEmpty()) {
      throw new TrainerException(
          ExitReason.BAD_DATA,
          displayName
              + ": expected at least one example of at most "
              + rules.maxLength()
              + " tokens (training.maxLength), found none; "
              + dropped
              + " were left out (dataset.truncation: Drop)");
    }
    return new TrainingExamples(examples, formats.found(), truncated.get(), dropped.get());
  }

  @Override
  public void close() throws IOException {
    if (examples instanceof Closeable file) {
      file.close();
    }
  }

  /**
   * What became of a record.
   *
   * @param example null when it is left out
   * @param truncated whether its end was cut off
   */
  private record Cut(TokenizedExample example, boolean truncated) {

    static final Cut DROPPED = new Cut(null, false);
  }

  private record Reader(ExampleTokenizer examples, Rules rules, FormatDetection formats) {

    Cut example(DataRecord record) {
      return switch (formats.found()) {
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
}
