package io.safegrad.trainer.fuzz;

import io.safegrad.api.v1alpha1.Dataset.TrainOn;
import io.safegrad.trainer.GoldenFiles;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.data.ChatTemplate;
import io.safegrad.trainer.data.EvaluationPrompts;
import io.safegrad.trainer.data.Message;
import io.safegrad.trainer.data.TrainingExamples;
import io.safegrad.trainer.model.ModelConfig;
import io.safegrad.trainer.run.CheckpointReading;
import io.safegrad.trainer.weights.PeftAdapter;
import io.safegrad.trainer.weights.PretrainedModel;
import io.safegrad.trainer.weights.SafetensorsFile;
import io.safegrad.trainer.weights.SafetensorsWeights;
import io.safegrad.trainer.weights.Weights;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Reads inputs as a run reads them: as files, beside the other files that they need. */
final class FuzzedFiles {

  private static final int MAX_LENGTH = 256;

  /** Shorter than a run's limit, which many inputs reach. */
  static final Duration TEMPLATE_TIME = Duration.ofMillis(200);

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
  private final Path shards;
  private final Path adapter;
  private final PretrainedModel whole;
  private final Duration templateTime;

  private FuzzedFiles(Path folder, Duration templateTime) {
    this.folder = folder;
    this.templateTime = templateTime;
    this.model = copyOf("toy-llama", folder);
    this.shards = copyOf("toy-llama-bf16", folder);
    this.adapter = copyOf("peft-adapter", folder);
    this.whole = PretrainedModel.open(GoldenFiles.path("toy-llama"));
  }

  /**
   * @param folder an empty one, for the files of one reader
   * @param templateTime how long a chat template may take
   */
  static FuzzedFiles in(Path folder, Duration templateTime) {
    return new FuzzedFiles(folder, templateTime);
  }

  private static Path copyOf(String golden, Path folder) {
    try (Stream<Path> files = Files.list(GoldenFiles.path(golden))) {
      Path copy = Files.createDirectories(folder.resolve(golden));
      for (Path file : files.toList()) {
        Files.copy(file, copy.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
      }
      return copy;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Path file(String name, byte[] input) {
    return write(folder.resolve(name), input);
  }

  /** Writes over what there is: ext4 flushes a file that is emptied first, which takes longer. */
  private static Path write(Path file, byte[] input) {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      ByteBuffer bytes = ByteBuffer.wrap(input);
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.truncate(input.length);
      return file;
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
        readFloat32(opened.weights(), name);
      }
    }
  }

  private static void readFloat32(Weights weights, String name) {
    long elements = Arrays.stream(weights.shape(name)).reduce(1, Math::multiplyExact);
    weights.readFloat32(name, FloatBuffer.allocate(Math.toIntExact(elements)));
  }

  /** Reads a model one of whose files is the input, and is so from now on. */
  void readInModel(String name, byte[] input) {
    write(model.resolve(name), input);
    try (PretrainedModel opened = PretrainedModel.open(model)) {
      use(opened);
    }
  }

  /** Reads weights in two files by an index of them. */
  void readIndex(byte[] input) {
    write(shards.resolve(SafetensorsWeights.INDEX_FILE), input);
    try (SafetensorsWeights opened = SafetensorsWeights.open(shards)) {
      for (String name : opened.names()) {
        readFloat32(opened, name);
      }
    }
  }

  /** Reads an adapter whose configuration is the input. */
  void readAdapter(byte[] input) {
    write(adapter.resolve("adapter_config.json"), input);
    PeftAdapter.read(adapter).scale();
  }

  void readCheckpoint(byte[] input) {
    write(folder.resolve("checkpoint.json"), input);
    CheckpointReading.read(folder);
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
            templateTime);
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
