package io.safegrad.trainer.fuzz;

import io.safegrad.api.v1alpha1.Dataset.TrainOn;
import io.safegrad.trainer.GoldenFiles;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.data.ChatTemplate;
import io.safegrad.trainer.data.EvaluationPrompts;
import io.safegrad.trainer.data.Message;
import io.safegrad.trainer.data.TrainingExamples;
import io.safegrad.trainer.model.ModelConfig;
import io.safegrad.trainer.weights.PretrainedModel;
import io.safegrad.trainer.weights.SafetensorsFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Reads inputs as a run reads them: as files, beside the other files that they need. */
final class FuzzedFiles {

  private static final int MAX_LENGTH = 256;

  /** Shorter than a run's limit, which many inputs reach. */
  private static final Duration TEMPLATE_TIME = Duration.ofMillis(200);

  private static final TrainingExamples.Rules RULES =
      new TrainingExamples.Rules(null, TrainOn.AllTurns, MAX_LENGTH);
  private static final List<Message> CHAT =
      List.of(
          new Message("system", FuzzedReader.CANARY),
          new Message("user", "{{ " + FuzzedReader.CANARY + " }}"),
          new Message(
              "assistant",
              "",
              Map.of("tool_calls", List.of(Map.of("name", "add", "arguments", Map.of("a", 1))))),
          new Message("tool", "7"),
          new Message("assistant", FuzzedReader.CANARY));

  private final Path folder;
  private final Path model;
  private final PretrainedModel whole;

  private FuzzedFiles(Path folder, Path model, PretrainedModel whole) {
    this.folder = folder;
    this.model = model;
    this.whole = whole;
  }

  /**
   * @param folder an empty one
   */
  static FuzzedFiles in(Path folder) {
    Path model = folder.resolve("model");
    try (Stream<Path> files = Files.list(GoldenFiles.path("toy-llama"))) {
      Files.createDirectories(model);
      for (Path file : files.toList()) {
        Files.copy(file, model.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new FuzzedFiles(folder, model, PretrainedModel.open(GoldenFiles.path("toy-llama")));
  }

  private Path file(String name, byte[] input) {
    try {
      return Files.write(folder.resolve(name), input);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  void readSafetensors(byte[] input) {
    SafetensorsFile.read(file("model.safetensors", input));
  }

  void readGguf(byte[] input) {
    try (PretrainedModel opened = PretrainedModel.open(file("model.gguf", input))) {
      use(opened);
      for (String name : opened.weights().names()) {
        long elements = Arrays.stream(opened.weights().shape(name)).reduce(1, Math::multiplyExact);
        opened.weights().readFloat32(name, FloatBuffer.allocate(Math.toIntExact(elements)));
      }
    }
  }

  /** Reads a model one of whose files is the input. */
  void readInModel(String name, byte[] input) {
    Path replaced = model.resolve(name);
    try {
      Files.write(replaced, input);
      try (PretrainedModel opened = PretrainedModel.open(model)) {
        use(opened);
      } finally {
        Files.write(replaced, Files.readAllBytes(GoldenFiles.path("toy-llama").resolve(name)));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void use(PretrainedModel opened) {
    opened.tokenizer().decode(opened.tokenizer().encode("A text, " + FuzzedReader.CANARY + " 12."));
    ModelConfig.of(opened.config());
  }

  void renderTemplate(String text) {
    ChatTemplate template =
        ChatTemplate.of(
            text,
            "chat_template.jinja",
            Map.of("bos_token", "<s>", "eos_token", "</s>"),
            TEMPLATE_TIME);
    template.render(CHAT, List.of(Map.of("name", "add")), true);
    template.render(CHAT.subList(0, 2), false);
  }

  /** Reads data to train on, and the same as data to evaluate. */
  void readData(byte[] input, String name) {
    Path file = file(name, input);
    RuntimeException refused = null;
    try (TrainingExamples read =
        TrainingExamples.read(file, name, whole.tokenizer(), whole.chatTemplate(), RULES, folder)) {
      read.examples().forEach(each -> whole.tokenizer().decode(each.inputIds()));
    } catch (RuntimeException e) {
      refused = e;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    try {
      EvaluationPrompts.read(file, name, whole.tokenizer(), whole.chatTemplate());
    } catch (TrainerException e) {
      FuzzedReader.requireClear(e); // Of good data to train on, some has no prompts.
    }
    if (refused != null) {
      throw refused;
    }
  }
}
