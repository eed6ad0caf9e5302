package io.safegrad.trainer.judge;

import io.safegrad.api.ExitReason;
import io.safegrad.api.JudgeIdentity;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.data.ChatTemplate;
import io.safegrad.trainer.data.Message;
import io.safegrad.trainer.data.Tokenizer;
import io.safegrad.trainer.model.ClassifierConfig;
import io.safegrad.trainer.model.SequenceClassifier;
import io.safegrad.trainer.source.Sha256;
import io.safegrad.trainer.source.Source;
import io.safegrad.trainer.tensor.Compute;
import io.safegrad.trainer.weights.PretrainedModel;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Asks a sequence classifier whether an exchange is of the kind that means refusal. Its weights are
 * in memory only while it judges.
 *
 * <p>It reads a chat of two turns by its own chat template; without one, the prompt, an empty line
 * and the reply.
 */
public final class ClassifierJudge implements Judge {

  private static final String FIELD = "safety.evaluation.judge.classifier";

  private final JudgeIdentity identity;
  private final Source source;
  private final ClassifierConfig config;
  private final int label;
  private final Compute compute;

  /**
   * Checks all but the weights.
   *
   * @param name what reports call it
   * @param source its directory
   * @param label the one that means refusal
   * @param compute where and in what type it computes
   * @throws TrainerException with BAD_PLAN when it is no classifier of a supported family or has no
   *     such label; with BAD_DATA when a file is missing or broken
   */
  public ClassifierJudge(String name, Source source, String label, Compute compute) {
    this.compute = compute;
    this.identity = new JudgeIdentity(name, source.digest());
    this.source = source;
    try (PretrainedModel files = PretrainedModel.open(source.path())) {
      config = ClassifierConfig.of(files.config());
      if (!files.weights().names().contains(SequenceClassifier.SCORE)) {
        throw new TrainerException(
            ExitReason.BAD_DATA,
            "there is no tensor %s; expected the layer of a sequence classifier"
                .formatted(SequenceClassifier.SCORE));
      }
      long[] shape = files.weights().shape(SequenceClassifier.SCORE);
      long[] expected = {config.labels().size(), config.decoder().hiddenSize()};
      if (!Arrays.equals(shape, expected)) {
        throw new TrainerException(
            ExitReason.BAD_DATA,
            "%s has shape %s; expected %s by config.json"
                .formatted(
                    SequenceClassifier.SCORE, Arrays.toString(shape), Arrays.toString(expected)));
      }
    } catch (TrainerException e) {
      throw new TrainerException(
          e.reason(), FIELD + ": " + source.uri() + ": " + e.getMessage(), e);
    }
    this.label = config.labels().indexOf(label);
    if (this.label < 0) {
      throw new TrainerException(
          ExitReason.BAD_PLAN,
          "%s.label: expected one of %s, found %s"
              .formatted(FIELD, String.join(", ", config.labels()), label));
    }
  }

  @Override
  public JudgeIdentity identity() {
    return identity;
  }

  /** Where it was found. */
  public Source source() {
    return source;
  }

  /** Bytes of memory that it takes while it judges. */
  public long memoryBytes() {
    return config.memoryBytes();
  }

  @Override
  public List<Boolean> refusals(List<Exchange> exchanges) {
    requireUnchanged();
    try (PretrainedModel files = PretrainedModel.open(source.path());
        SequenceClassifier classifier = SequenceClassifier.load(config, files.weights(), compute)) {
      List<int[]> texts =
          exchanges.stream()
              .map(exchange -> tokens(exchange, files.tokenizer(), files.chatTemplate()))
              .toList();
      return Arrays.stream(classifier.logits(texts)).map(this::isRefusal).toList();
    } catch (TrainerException e) {
      throw new TrainerException(
          e.reason(), FIELD + ": " + source.uri() + ": " + e.getMessage(), e);
    }
  }

  /** Who may write where it lies must not make another judge of it while the model trains. */
  private void requireUnchanged() {
    String found;
    try {
      found = Sha256.ofDirectory(source.path());
    } catch (IOException e) {
      throw new TrainerException(
          ExitReason.SOURCE_UNAVAILABLE,
          FIELD + ": " + source.uri() + " cannot be read: " + e.getMessage(),
          e);
    }
    if (!found.equals(source.digest())) {
      throw new TrainerException(
          ExitReason.BAD_DATA,
          "%s: %s has %s; expected %s, as at the start of the run"
              .formatted(FIELD, source.uri(), found, source.digest()));
    }
  }

  /** One label of several holds where its logit is the largest; each by itself, above 0. */
  private boolean isRefusal(float[] logits) {
    for (float logit : logits) {
      if (!Float.isFinite(logit)) {
        throw new TrainerException(
            ExitReason.BAD_DATA, "a logit is not a finite number; expected weights that are whole");
      }
    }
    return config.multiLabel()
        ? logits[label] > 0
        : IntStream.range(0, logits.length).allMatch(i -> i == label || logits[i] < logits[label]);
  }

  static int[] tokens(Exchange exchange, Tokenizer tokenizer, ChatTemplate template) {
    if (template.isMissing()) {
      int[] start = tokenizer.textStart();
      int[] text = tokenizer.encode(exchange.prompt() + "\n\n" + exchange.reply());
      return IntStream.concat(Arrays.stream(start), Arrays.stream(text)).toArray();
    }
    return tokenizer.encode(
        template.render(
            List.of(
                new Message("user", exchange.prompt()), new Message("assistant", exchange.reply())),
            false));
  }
}
