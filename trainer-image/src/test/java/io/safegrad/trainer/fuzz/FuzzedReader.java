package io.safegrad.trainer.fuzz;

import io.safegrad.api.Manifest;
import io.safegrad.api.ManifestException;
import io.safegrad.api.OneLine;
import io.safegrad.api.TrainingPlan;
import io.safegrad.trainer.GoldenFiles;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.run.CheckpointReading;
import io.safegrad.trainer.run.FileTree;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** A reader of files that come from elsewhere, with valid inputs to start from. */
enum FuzzedReader {
  SAFETENSORS(FuzzWords.JSON) {
    @Override
    void read(byte[] input, FuzzedFiles files) {
      files.readSafetensors(input);
    }

    @Override
    List<byte[]> forms(byte[] input) {
      return List.of(input, FuzzedForms.withHeaderLength(input));
    }

    @Override
    List<byte[]> validInputs() {
      return goldenFiles("peft-adapter/adapter_model.safetensors");
    }
  },
  GGUF(List.of()) {
    @Override
    void read(byte[] input, FuzzedFiles files) {
      files.readGguf(input);
    }

    @Override
    List<byte[]> validInputs() {
      return goldenFiles(
          "vocabulary-gpt-2.gguf", "blocks.gguf", "toy-llama-q8.gguf", "toy-llama-spm.gguf");
    }
  },
  TOKENIZER(FuzzWords.JSON) {
    @Override
    void read(byte[] input, FuzzedFiles files) {
      files.readInModel("tokenizer.json", input);
    }

    @Override
    List<byte[]> validInputs() {
      return goldenFiles("toy-llama/tokenizer.json", "spm-tokenizer/tokenizer.json");
    }
  },
  CONFIG(FuzzWords.JSON) {
    @Override
    void read(byte[] input, FuzzedFiles files) {
      files.readInModel("config.json", input);
    }

    @Override
    List<byte[]> validInputs() {
      return goldenFiles("toy-llama/config.json", "toy-llama-f16/config.json");
    }
  },
  TOKENIZER_CONFIG(FuzzWords.JSON) {
    @Override
    void read(byte[] input, FuzzedFiles files) {
      files.readInModel("tokenizer_config.json", input);
    }

    @Override
    List<byte[]> validInputs() {
      List<byte[]> inputs = new ArrayList<>(goldenFiles("toy-llama/tokenizer_config.json"));
      inputs.add(
          """
          {"bos_token": {"content": "<|im_start|>"}, "eos_token": "<|im_end|>", "unk_token": null,
           "chat_template": [{"name": "default", "template": "{{ messages }}"},
                             {"name": "tool_use", "template": "{{ tools }}"}]}
          """
              .getBytes(StandardCharsets.UTF_8));
      return inputs;
    }
  },
  GENERATION_CONFIG(FuzzWords.JSON) {
    @Override
    void read(byte[] input, FuzzedFiles files) {
      files.readInModel("generation_config.json", input);
    }

    @Override
    List<byte[]> validInputs() {
      List<byte[]> inputs = new ArrayList<>(goldenFiles("toy-llama/generation_config.json"));
      inputs.add("{\"eos_token_id\": [2, 1]}".getBytes(StandardCharsets.UTF_8));
      return inputs;
    }
  },
  INDEX(FuzzWords.JSON) {
    @Override
    void read(byte[] input, FuzzedFiles files) {
      files.readIndex(input);
    }

    @Override
    List<byte[]> validInputs() {
      return goldenFiles("toy-llama-bf16/model.safetensors.index.json");
    }
  },
  ADAPTER_CONFIG(FuzzWords.JSON) {
    @Override
    void read(byte[] input, FuzzedFiles files) {
      files.readAdapter(input);
    }

    @Override
    List<byte[]> validInputs() {
      return goldenFiles("peft-adapter/adapter_config.json", "peft-adapter.written.json");
    }
  },
  CHECKPOINT(FuzzWords.JSON) {
    @Override
    void read(byte[] input, FuzzedFiles files) {
      files.readCheckpoint(input);
    }

    @Override
    List<byte[]> validInputs() {
      try {
        Path folder = Files.createTempDirectory("checkpoint-");
        byte[] manifest = CheckpointReading.valid(folder);
        FileTree.delete(folder);
        return List.of(manifest);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  },
  CHAT_TEMPLATE(FuzzWords.TEMPLATE) {
    @Override
    void read(byte[] input, FuzzedFiles files) {
      // A template's own words may stand in its refusal, and Jazzer puts the chat's among them.
      files.renderTemplate(new String(input, StandardCharsets.UTF_8).replace(CANARY, "own"));
    }

    @Override
    List<byte[]> validInputs() {
      return goldenFiles(
          "templates/llama3_2.jinja",
          "templates/mistral_form.jinja",
          "templates/python_forms.jinja",
          "templates/qwen3.jinja",
          "templates/smollm2.jinja");
    }
  },
  JSON_LINES(FuzzWords.JSON) {
    @Override
    void read(byte[] input, FuzzedFiles files) {
      files.readData(input, "data.jsonl");
    }

    @Override
    List<byte[]> validInputs() {
      return records().map(each -> each.getBytes(StandardCharsets.UTF_8)).toList();
    }
  },
  CSV(FuzzWords.CSV) {
    @Override
    void read(byte[] input, FuzzedFiles files) {
      files.readData(input, "data.csv");
    }

    @Override
    List<byte[]> validInputs() {
      return List.of(
          ("instruction,input,output\nsay," + CANARY + ",yes\n\"say \"\"it\"\"\",,\"" + CANARY)
              .concat("\nno\"\n")
              .getBytes(StandardCharsets.UTF_8),
          ("text\r\n" + CANARY + "\r\n").getBytes(StandardCharsets.UTF_8));
    }
  },
  GZIP(FuzzWords.JSON) {
    @Override
    void read(byte[] input, FuzzedFiles files) {
      files.readData(input, "data.jsonl.gz");
    }

    @Override
    List<byte[]> forms(byte[] input) {
      return List.of(input, FuzzedForms.gzip(input));
    }

    @Override
    List<byte[]> validInputs() {
      return records()
          .map(each -> FuzzedForms.gzip(each.getBytes(StandardCharsets.UTF_8)))
          .toList();
    }
  },
  PARQUET(List.of()) {
    @Override
    void read(byte[] input, FuzzedFiles files) {
      files.readData(input, "data.parquet");
    }

    @Override
    List<byte[]> validInputs() {
      return goldenFiles(
          "parquet/chat-zstd-page-v2.parquet",
          "parquet/chat-gzip-item.parquet",
          "parquet/instructions.parquet",
          "parquet/pairs-small-pages.parquet",
          "parquet/text-delta.parquet",
          "parquet/text-dictionary.parquet",
          "parquet/text-lengths.parquet",
          "parquet/text-lz4-checksums.parquet",
          "parquet/tools.parquet");
    }
  },
  PLAN(FuzzWords.YAML) {
    @Override
    void read(byte[] input, FuzzedFiles files) {
      TrainingPlan.fromYaml(input);
    }

    @Override
    List<byte[]> forms(byte[] input) {
      return List.of(input, FuzzedForms.withDigest(input));
    }

    @Override
    List<byte[]> validInputs() {
      return List.of(
          TrainingPlan.of(Manifest.read(manifest())).toYaml().getBytes(StandardCharsets.UTF_8));
    }
  },
  MANIFEST(FuzzWords.YAML) {
    @Override
    void read(byte[] input, FuzzedFiles files) {
      TrainingPlan.of(Manifest.read(new String(input, StandardCharsets.UTF_8)));
    }

    @Override
    List<byte[]> validInputs() {
      return List.of(manifest().getBytes(StandardCharsets.UTF_8));
    }
  };

  /** Stands in every text of a data set and in every chat; no message may have it. */
  static final String CANARY = "canary";

  private static final Path REGRESSIONS = Path.of("src/test/resources/fuzz").toAbsolutePath();

  private final List<String> words;

  FuzzedReader(List<String> words) {
    this.words = words;
  }

  /** What a mutation may put into an input. */
  List<String> words() {
    return words;
  }

  /** The input, and what it is made into lest most fail at a length or a digest in front. */
  List<byte[]> forms(byte[] input) {
    return List.of(input);
  }

  /** Reads an input, which may be refused in any way. */
  abstract void read(byte[] input, FuzzedFiles files);

  /** Inputs to start from; most are accepted. */
  abstract List<byte[]> validInputs();

  /**
   * Reads an input in each of its forms, which may be accepted or be refused with one clear error.
   *
   * @return whether one was accepted
   * @throws AssertionError when it is refused in another way
   */
  boolean check(byte[] input, FuzzedFiles files) {
    boolean accepted = false;
    for (byte[] form : forms(input)) {
      try {
        read(form, files);
        accepted = true;
      } catch (TrainerException | ManifestException e) {
        requireClear(e);
      }
    }
    return accepted;
  }

  static void requireClear(RuntimeException error) {
    String message = error.getMessage();
    if (error instanceof TrainerException refusal && refusal.reason().retryable()) {
      throw new AssertionError("a retry is promised: " + message, error);
    }
    if (message == null || message.isBlank() || message.lines().count() != 1) {
      throw new AssertionError("expected a message of one line, found: " + message, error);
    }
    // One sign more says that it was cut.
    if (message.codePointCount(0, message.length()) > OneLine.MAX_CHARACTERS + 1) {
      throw new AssertionError("the message has " + message.length() + " characters", error);
    }
    // A plan or a manifest is told what was found in it; data are not.
    if (error instanceof TrainerException && message.contains(CANARY)) {
      throw new AssertionError("the message quotes the input: " + message, error);
    }
  }

  /** Valid inputs, words that are too long for a mutation, and what was once a finding. */
  List<byte[]> seeds() {
    List<byte[]> seeds = new ArrayList<>(validInputs());
    words.stream()
        .filter(each -> FuzzWords.isLong(each) || this == CHAT_TEMPLATE)
        .map(each -> each.getBytes(StandardCharsets.UTF_8))
        .forEach(seeds::add);
    Path folder = REGRESSIONS.resolve(name().toLowerCase(Locale.ROOT));
    if (Files.isDirectory(folder)) {
      try (Stream<Path> files = Files.list(folder)) {
        files.sorted().map(FuzzedReader::bytes).forEach(seeds::add);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return seeds;
  }

  private static List<byte[]> goldenFiles(String... names) {
    return Stream.of(names).map(GoldenFiles::path).map(FuzzedReader::bytes).toList();
  }

  private static byte[] bytes(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Stream<String> records() {
    return Stream.of(
            "{'messages': [{'role': 'system', 'content': '%s'}, {'role': 'user', 'content':"
                + " '%s'}, {'role': 'assistant', 'content': 'yes', 'tool_calls': []}], 'tools':"
                + " [{'name': '%s'}]}",
            "{'instruction': 'say %s', 'input': '%s', 'output': '%s'}",
            "{'prompt': '%s', 'completion': ' %s', 'more': {'%s': [1.5e3, null, true]}}",
            "{'prompt': [{'role': 'user', 'content': '%s'}], 'completion': [{'role': 'assistant',"
                + " 'content': '%s%s'}]}",
            "{'text': '\\u00e4%s%s%s'}\n\n{'text': 'ab'}")
        .map(each -> each.formatted(CANARY, CANARY, CANARY).replace('\'', '"') + "\n");
  }

  private static String manifest() {
    return new String(
        bytes(Path.of("../deploy/examples/quickstart.yaml").toAbsolutePath()),
        StandardCharsets.UTF_8);
  }
}
