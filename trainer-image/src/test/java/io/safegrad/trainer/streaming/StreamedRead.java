package io.safegrad.trainer.streaming;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.api.v1alpha1.Dataset.TrainOn;
import io.safegrad.trainer.data.ShuffledIndexes;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.data.TrainingExamples;
import io.safegrad.trainer.data.ValidationSplit;
import io.safegrad.trainer.weights.PretrainedModel;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * A process of its own that reads a data set as a run does: each record tokenized once, a share
 * held back, then all examples in a random order.
 */
final class StreamedRead {

  private static final int MAX_LENGTH = 1024;
  private static final int KIB_PER_MIB = 1024;

  private StreamedRead() {}

  /**
   * What reading took.
   *
   * @param tokens of all examples
   * @param digest of all token ids in the order they were taken
   * @param tokenizeSeconds until all records were read
   * @param passSeconds of the pass in random order
   * @param peakRssMib most memory that the process ever held, in MiB
   */
  record Result(
      int examples,
      long tokens,
      int digest,
      double tokenizeSeconds,
      double passSeconds,
      int peakRssMib) {}

  /**
   * @param arguments the model's folder, the data file, the workspace
   */
  public static void main(String[] arguments) throws IOException {
    long start = System.nanoTime();
    Path file = Path.of(arguments[1]);
    try (PretrainedModel model = PretrainedModel.open(Path.of(arguments[0]));
        TrainingExamples read =
            TrainingExamples.read(
                file,
                file.toString(),
                model.tokenizer(),
                model.chatTemplate(),
                new TrainingExamples.Rules(null, TrainOn.LastTurn, MAX_LENGTH),
                Path.of(arguments[2]))) {
      long tokenized = System.nanoTime();
      ValidationSplit split = ValidationSplit.of(read.examples(), 0.05, 1);
      long tokens = 0;
      int digest = 0;
      for (List<TokenizedExample> part : List.of(split.training(), split.validation())) {
        for (int index : ShuffledIndexes.of(part.size(), new Random(1))) {
          int[] ids = part.get(index).inputIds();
          tokens += ids.length;
          for (int id : ids) {
            digest = 31 * digest + id;
          }
        }
      }
      long end = System.nanoTime();
      Result result =
          new Result(
              read.examples().size(),
              tokens,
              digest,
              (tokenized - start) / 1e9,
              (end - tokenized) / 1e9,
              peakRssMib());
      System.out.println(new ObjectMapper().writeValueAsString(result));
    }
  }

  private static int peakRssMib() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmHWM:")) {
        return Integer.parseInt(line.replaceAll("\\D", "")) / KIB_PER_MIB;
      }
    }
    throw new IOException("/proc/self/status has no VmHWM");
  }

  /**
   * Reads a file in a process with a small heap.
   *
   * @param heap for example {@code 64m}
   * @throws IOException when the process ends otherwise than well
   */
  static Result start(String heap, Path model, Path file, Path workspace)
      throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx" + heap,
                "-XX:+ExitOnOutOfMemoryError",
                "-cp",
                System.getProperty("java.class.path"),
                StreamedRead.class.getName(),
                model.toString(),
                file.toString(),
                workspace.toString()));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    String output =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    int code = process.waitFor();
    if (code != 0) {
      throw new IOException("reading " + file + " ended with " + code);
    }
    return new ObjectMapper().readValue(output, Result.class);
  }
}
