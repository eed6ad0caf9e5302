package io.safegrad.trainer.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.management.OperatingSystemMXBean;
import io.safegrad.api.v1alpha1.Lora;
import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.ModelConfig;
import io.safegrad.trainer.train.ExampleOrder;
import io.safegrad.trainer.train.StepMetrics;
import io.safegrad.trainer.train.TrainingLoop;
import io.safegrad.trainer.weights.SafetensorsWeights;
import io.safegrad.trainer.weights.Weights;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Useful tokens, padding not counted, that supervised fine-tuning gets through in a second of
 * processor time: examples as they come, grouped by length, packed, and padded to the longest of
 * their batch, as this trainer does not but others do. The examples are random tokens of the
 * lengths of short chats; the model's weights do not change the work.
 */
@Command(name = "packing-bench", mixinStandardHelpOptions = true, sortOptions = false)
final class PackingBench implements Runnable {

  private static final int THREADS = 2;
  private static final OperatingSystemMXBean PROCESS =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  @Option(
      names = "--model",
      required = true,
      description = "A directory with the model, such as the one that setup-reference.sh gets.")
  private Path directory;

  @Option(names = "--examples", defaultValue = "160", description = "Default: ${DEFAULT-VALUE}.")
  private int examples;

  @Option(
      names = "--mean",
      defaultValue = "40",
      description =
          "Mean tokens of an example, whose length is log-normal. Default: ${DEFAULT-VALUE}.")
  private int mean;

  @Option(
      names = "--sigma",
      defaultValue = "0.8",
      description = "Standard deviation of the length's logarithm. Default: ${DEFAULT-VALUE}.")
  private double sigma;

  @Option(
      names = "--batch",
      defaultValue = "8",
      description = "Examples of an unpacked batch. Default: ${DEFAULT-VALUE}.")
  private int batch;

  @Option(
      names = "--room",
      defaultValue = "1024",
      description = "Tokens of a packed row, of which a batch has one. Default: ${DEFAULT-VALUE}.")
  private int room;

  public static void main(String... arguments) {
    System.exit(new CommandLine(new PackingBench()).execute(arguments));
  }

  @Override
  public void run() {
    try {
      List<TokenizedExample> chats = chats(49152);
      int tokens = chats.stream().mapToInt(TokenizedExample::length).sum();
      System.out.printf(
          Locale.ROOT,
          "%d examples, %.1f tokens on average, the longest of %d%n",
          chats.size(),
          tokens / (double) chats.size(),
          chats.stream().mapToInt(TokenizedExample::length).max().orElseThrow());
      Training plain = training(batch, false, false);
      double padded = measure("padded", chats, padded(chats), plain, ExampleOrder.FILE);
      double asTheyCome = measure("as they come", chats, chats, plain, ExampleOrder.FILE);
      double grouped =
          measure(
              "grouped by length",
              chats,
              chats,
              training(batch, false, true),
              ExampleOrder.SHUFFLED);
      double packed =
          measure("packed", chats, chats, training(1, true, false), ExampleOrder.SHUFFLED);
      System.out.printf(
          Locale.ROOT,
          "useful tokens per CPU second over padded: as they come %.2f, grouped by length %.2f, packed %.2f%n",
          asTheyCome / padded,
          grouped / padded,
          packed / padded);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * @param read the chats as they are trained on
   */
  private double measure(
      String title,
      List<TokenizedExample> chats,
      List<TokenizedExample> read,
      Training training,
      ExampleOrder order)
      throws IOException {
    ModelConfig config =
        ModelConfig.of(new ObjectMapper().readTree(directory.resolve("config.json").toFile()));
    Method method = new Method(Method.Name.Sft, 1.0, 1);
    try (Weights weights = SafetensorsWeights.open(directory);
        CausalLm model = CausalLm.load(config, weights, training)) {
      model.torch().setThreads(THREADS);
      long[] since = new long[1];
      List<StepMetrics> steps = new ArrayList<>();
      new TrainingLoop(model, method, training, order)
          .run(
              read,
              List.of(),
              step -> {
                steps.add(step);
                if (steps.size() == 1) {
                  since[0] = PROCESS.getProcessCpuTime();
                }
              });
      // The first step warms up.
      double seconds = (PROCESS.getProcessCpuTime() - since[0]) / 1e9;
      int padding = tokens(read) - tokens(chats);
      int firstPadding = padding(read, chats, training.batchSize());
      int tokens =
          steps.stream().skip(1).mapToInt(StepMetrics::numTokens).sum() - padding + firstPadding;
      System.out.printf(
          Locale.ROOT,
          "%s: %d steps, %d tokens in %.1f CPU s, %.1f tokens per CPU s%n",
          title,
          steps.size() - 1,
          tokens,
          seconds,
          tokens / seconds);
      return tokens / seconds;
    }
  }

  private static int tokens(List<TokenizedExample> chats) {
    return chats.stream().mapToInt(TokenizedExample::length).sum();
  }

  /** Padding of the first batch in the file's order. */
  private static int padding(List<TokenizedExample> read, List<TokenizedExample> chats, int count) {
    return tokens(read.subList(0, count)) - tokens(chats.subList(0, count));
  }

  /** The chats, each as long as the longest of its batch in this order. */
  private List<TokenizedExample> padded(List<TokenizedExample> chats) {
    List<TokenizedExample> padded = new ArrayList<>();
    for (int from = 0; from < chats.size(); from += batch) {
      List<TokenizedExample> some = chats.subList(from, Math.min(chats.size(), from + batch));
      int longest = some.stream().mapToInt(TokenizedExample::length).max().orElseThrow();
      for (TokenizedExample chat : some) {
        int[] labels = Arrays.copyOf(chat.labels(), longest);
        Arrays.fill(labels, chat.length(), longest, TokenizedExample.IGNORED);
        padded.add(
            new TokenizedExample(Arrays.copyOf(chat.inputIds(), longest), labels, chat.line()));
      }
    }
    return padded;
  }

  /** Labels on the second half of each. */
  private List<TokenizedExample> chats(int vocabulary) {
    Random random = new Random(1);
    List<TokenizedExample> chats = new ArrayList<>();
    for (int i = 0; i < examples; i++) {
      double length = mean * Math.exp(sigma * random.nextGaussian() - sigma * sigma / 2);
      int[] ids = random.ints(Math.max(4, Math.min(room, (int) length)), 0, vocabulary).toArray();
      int[] labels = ids.clone();
      Arrays.fill(labels, 0, ids.length / 2, TokenizedExample.IGNORED);
      chats.add(new TokenizedExample(ids, labels, i + 1));
    }
    return chats;
  }

  private Training training(int batchSize, boolean packing, boolean groupByLength) {
    return new Training(
        Training.Mode.Lora,
        1,
        null,
        batchSize,
        1,
        room,
        packing,
        groupByLength,
        1e-4,
        Training.Scheduler.Constant,
        0.0,
        0.0,
        0.0,
        43,
        0,
        1,
        new Lora(8, 16, List.of(Lora.TargetModule.values())));
  }
}
