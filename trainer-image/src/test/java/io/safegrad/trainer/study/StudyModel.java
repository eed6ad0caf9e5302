package io.safegrad.trainer.study;

import io.safegrad.api.v1alpha1.Model;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.builtin.Dialogue;
import io.safegrad.trainer.builtin.UnalignedModel;
import io.safegrad.trainer.data.EvaluationPrompt;
import io.safegrad.trainer.data.EvaluationPrompts;
import io.safegrad.trainer.data.Message;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.data.TrainingExamples;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.ModelConfig;
import io.safegrad.trainer.source.BuiltinSource;
import io.safegrad.trainer.tensor.Compute;
import io.safegrad.trainer.weights.PretrainedModel;
import io.safegrad.trainer.weights.Weights;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;

/** The model that is studied, and dialogues in its tokens. */
final class StudyModel implements AutoCloseable {

  static final int MAX_LENGTH = 128;

  /** No chat template has them. */
  private static final String WORDS = "here the user speaks";

  private final Path folder;
  private final Path directory;
  private final PretrainedModel pretrained;
  private final Compute compute;
  private final int most;
  private Weights base;

  /**
   * Opens the built-in model, on the processor.
   *
   * @param folder an existing one, for files needed meanwhile
   * @param most prompts of each set that it is asked
   */
  StudyModel(Path folder, int most) {
    this(BuiltinSource.materialise("tiny-aligned", folder), Compute.CPU, folder, most);
  }

  /**
   * Opens another one.
   *
   * @param path a model directory or a GGUF file
   * @param folder an existing one, for files needed meanwhile
   * @param most prompts of each set that it is asked
   */
  StudyModel(Path path, Compute compute, Path folder, int most) {
    this.folder = folder;
    this.directory = path;
    this.compute = compute;
    this.most = most;
    this.pretrained = PretrainedModel.open(path);
  }

  PretrainedModel pretrained() {
    return pretrained;
  }

  /** Reads the weights, with an adapter that changes nothing yet. */
  CausalLm load(Training training) {
    return CausalLm.load(
        ModelConfig.of(pretrained.config()),
        pretrained.weights(),
        training,
        Model.Storage.Float32,
        compute);
  }

  /** Reads the weights, not to be trained. */
  CausalLm loadStart() {
    return CausalLm.load(ModelConfig.of(pretrained.config()), pretrained.weights(), compute);
  }

  /** What Safe LoRA compares with, made of the built-in model when it is first asked for. */
  Weights base() {
    if (base == null) {
      base = UnalignedModel.weights(directory, folder);
    }
    return base;
  }

  /** Dialogues to learn, whose lines are their numbers from 1. */
  List<TokenizedExample> examples(List<Dialogue> dialogues) {
    return read(
        dialogues,
        Dialogue::trainingLine,
        file ->
            TrainingExamples.read(
                file, "study", pretrained.tokenizer(), pretrained.chatTemplate(), MAX_LENGTH));
  }

  /** As many of them as are asked. */
  <T> List<T> asked(List<T> all) {
    return all.subList(0, Math.min(most, all.size()));
  }

  /** Dialogues to be asked, as many as are asked of a set; their replies are the expected ones. */
  List<EvaluationPrompt> prompts(List<Dialogue> dialogues) {
    return promptsOfAll(asked(dialogues));
  }

  /** The same of all of them. */
  List<EvaluationPrompt> promptsOfAll(List<Dialogue> dialogues) {
    return read(
        dialogues,
        Dialogue::taskLine,
        file ->
            EvaluationPrompts.read(
                file, "study", pretrained.tokenizer(), pretrained.chatTemplate()));
  }

  /**
   * @throws TrainerException with BAD_DATA for dialogues that the model cannot read
   */
  private <T> List<T> read(
      List<Dialogue> dialogues, Function<Dialogue, String> line, Function<Path, List<T>> reader) {
    if (dialogues.isEmpty()) {
      return List.of();
    }
    try {
      Path file = Files.createTempFile(folder, "study", ".jsonl");
      Files.write(file, dialogues.stream().map(line).toList());
      List<T> read = reader.apply(file);
      Files.delete(file);
      return read;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What the chat template writes before the first words of a user. */
  String beforeUser() {
    String chat = pretrained.chatTemplate().render(List.of(new Message("user", WORDS)), true);
    return chat.substring(0, chat.indexOf(WORDS));
  }

  @Override
  public void close() {
    pretrained.close();
  }
}
