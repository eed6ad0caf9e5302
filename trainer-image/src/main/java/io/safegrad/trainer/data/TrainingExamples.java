package io.safegrad.trainer.data;

import io.safegrad.api.ExitReason;
import io.safegrad.api.v1alpha1.Dataset.Format;
import io.safegrad.api.v1alpha1.Dataset.TrainOn;
import io.safegrad.api.v1alpha1.Dataset.Truncation;
import io.safegrad.trainer.TrainerException;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

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
 * @param longest tokens of the longest example
 */
public record TrainingExamples(
    List<TokenizedExample> examples, Format format, int truncated, int dropped, int longest)
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
    ExampleReader reader = new ExampleReader(new ExampleTokenizer(tokenizer, template), rules);
    AtomicInteger truncated = new AtomicInteger();
    AtomicInteger dropped = new AtomicInteger();
    AtomicInteger longest = new AtomicInteger();
    Consumer<ExampleReader.Cut> keep =
        cut -> {
          if (cut.example() == null) {
            dropped.incrementAndGet();
          } else {
            examples.add(cut.example());
            longest.accumulateAndGet(cut.example().length(), Math::max);
          }
          truncated.addAndGet(cut.truncated() ? 1 : 0);
        };
    try (OrderedWork<ExampleReader.Cut> work = new OrderedWork<>(keep)) {
      try {
        DataFile.forEach(
            file,
            displayName,
            record -> {
              formats.check(record);
              Format format = formats.found();
              work.add(record.bytes(), () -> reader.example(record, format));
            });
      } catch (TrainerException e) {
        // What is wrong with an earlier record comes first.
        work.finish();
        throw e;
      }
      work.finish();
    }
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
    return new TrainingExamples(
        examples, formats.found(), truncated.get(), dropped.get(), longest.get());
  }

  @Override
  public void close() throws IOException {
    if (examples instanceof Closeable file) {
      file.close();
    }
  }
}
