package io.safegrad.trainer.run;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.data.EvaluationPrompt;
import io.safegrad.trainer.data.EvaluationPrompts;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.data.TrainingExamples;
import io.safegrad.trainer.report.RunJournal;
import io.safegrad.trainer.source.Source;
import io.safegrad.trainer.source.SourceResolver;
import io.safegrad.trainer.source.SourceSpec;
import io.safegrad.trainer.weights.PretrainedModel;
import java.io.Closeable;
import java.nio.file.Path;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads data sets in the model's tokens.
 *
 * @param workspace where files are made that last as long as what is read
 * @param opened receives what is to be closed
 * @param pretrained has the tokenizer and the chat template
 * @param journal is told of each data set that the run uses
 */
record InputReader(
    SourceResolver resolver,
    Path workspace,
    List<Closeable> opened,
    PretrainedModel pretrained,
    RunJournal journal) {

  private static final Logger LOG = LoggerFactory.getLogger(InputReader.class);

  /** A data set that a run may come to use: it is an input of the run from then on. */
  record Spare(Source source, TrainingExamples read, RunJournal journal) {

    /** Its examples, whose lengths may be looked at. */
    List<TokenizedExample> examples() {
      return read.examples();
    }

    /** The run uses it. */
    List<TokenizedExample> use() {
      journal.readExamples(source, read);
      return read.examples();
    }
  }

  List<TokenizedExample> examples(SourceSpec spec, TrainingExamples.Rules rules) {
    return examples(spec, resolver.resolve(spec), rules);
  }

  List<TokenizedExample> examples(SourceSpec spec, Source source, TrainingExamples.Rules rules) {
    TrainingExamples read = open(spec, source, rules);
    LOG.info(
        "{}: {} examples of format {}, {} of them cut at {} tokens; {} longer ones left out",
        spec.field(),
        read.examples().size(),
        read.format(),
        read.truncated(),
        rules.maxLength(),
        read.dropped());
    int positions = pretrained.config().path("max_position_embeddings").asInt(Integer.MAX_VALUE);
    if (read.longest() > positions) {
      LOG.warn(
          "{}: the longest example has {} tokens, but the model knows {} positions"
              + " (max_position_embeddings); expected training.maxLength of at most {}",
          spec.field(),
          read.longest(),
          positions,
          positions);
    }
    journal.readExamples(source, read);
    return read.examples();
  }

  /**
   * A data set that the run may do without: what is wrong with it is no error.
   *
   * @return null when it cannot be used
   */
  Spare spare(SourceSpec spec, TrainingExamples.Rules rules) {
    try {
      Source source = resolver.resolve(spec);
      TrainingExamples read = open(spec, source, rules);
      return read.examples().isEmpty() ? null : new Spare(source, read, journal);
    } catch (TrainerException e) {
      LOG.warn(
          "{}; should the gate refuse the adapter, no example can be named that did it",
          e.getMessage());
      return null;
    }
  }

  private TrainingExamples open(SourceSpec spec, Source source, TrainingExamples.Rules rules) {
    TrainingExamples read =
        TrainingExamples.read(
            source.path(),
            spec.shownUri(),
            pretrained.tokenizer(),
            pretrained.chatTemplate(),
            rules,
            workspace);
    opened.add(read);
    return read;
  }

  List<EvaluationPrompt> prompts(SourceSpec spec) {
    Source source = resolver.resolve(spec);
    List<EvaluationPrompt> prompts =
        EvaluationPrompts.read(
            source.path(), spec.shownUri(), pretrained.tokenizer(), pretrained.chatTemplate());
    journal.readPrompts(source, prompts.size());
    return prompts;
  }

  /**
   * @throws TrainerException also with BAD_DATA for a prompt without a reply to compare with
   */
  List<EvaluationPrompt> task(String field, String uri) {
    List<EvaluationPrompt> prompts = prompts(SourceSpec.unpinned(field, uri));
    for (EvaluationPrompt prompt : prompts) {
      if (prompt.expected() == null) {
        throw new TrainerException(
            ExitReason.BAD_DATA,
            "%s:%d: expected a reply to compare with: the field completion, or an assistant's last turn"
                .formatted(uri, prompt.line()));
      }
    }
    return prompts;
  }
}
