package io.safegrad.trainer.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.api.v1alpha1.Lora;
import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Model;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.Golden;
import io.safegrad.trainer.model.ModelConfig;
import io.safegrad.trainer.tensor.Compute;
import io.safegrad.trainer.tensor.ComputeDevice;
import io.safegrad.trainer.train.ExampleOrder;
import io.safegrad.trainer.train.StepMetrics;
import io.safegrad.trainer.train.TrainingLoop;
import io.safegrad.trainer.weights.PeftAdapter;
import io.safegrad.trainer.weights.SafetensorsWeights;
import io.safegrad.trainer.weights.Weights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Times the trainer's own step in bfloat16 on a device, on the model, the adapter and the rows that
 * {@code bench_device.py --save FOLDER} left, so that its figures stand beside those of
 * transformers and PEFT on the same card: the first loss is to be theirs.
 */
@Command(name = "device-bench")
final class DeviceBench implements Callable<Integer> {

  private static final int RANK = 8;
  private static final int ALPHA = 16;

  @Option(names = "--saved", required = true, description = "The folder of bench_device.py --save.")
  private Path saved;

  @Option(names = "--device", defaultValue = "cuda", description = "cpu or cuda.")
  private String device;

  @Option(names = "--steps", defaultValue = "10")
  private int steps;

  public static void main(String... arguments) {
    System.exit(new CommandLine(new DeviceBench()).execute(arguments));
  }

  @Override
  public Integer call() throws IOException {
    ObjectMapper json = new ObjectMapper();
    List<TokenizedExample> rows = new ArrayList<>();
    for (String line : Files.readAllLines(saved.resolve("rows.jsonl"))) {
      JsonNode row = json.readTree(line);
      rows.add(
          new TokenizedExample(
              Golden.ids(row.get("input_ids")), Golden.ids(row.get("labels")), rows.size() + 1));
    }
    ModelConfig config = ModelConfig.of(json.readTree(saved.resolve("config.json").toFile()));
    Compute compute =
        Compute.on(device.equals("cuda") ? ComputeDevice.CUDA : ComputeDevice.CPU, true);
    int tokens = rows.stream().mapToInt(row -> row.inputIds().length).sum();
    System.out.printf(
        "%s, bfloat16, %d x %d tokens%n%n", device, rows.size(), tokens / rows.size());
    System.out.println("| method | ms | tokens/s | loss | KL | load s |");
    System.out.println("|---|---|---|---|---|---|");
    for (Method.Name method : List.of(Method.Name.Sft, Method.Name.SafeGrad)) {
      long start = System.nanoTime();
      try (Weights weights = SafetensorsWeights.open(saved);
          CausalLm model =
              CausalLm.load(config, weights, training(rows), Model.Storage.BFloat16, compute)) {
        model.trained().set(PeftAdapter.read(saved.resolve("adapter")).tensors());
        double load = (System.nanoTime() - start) / 1e9;
        List<StepMetrics> told = new ArrayList<>();
        new TrainingLoop(
                model, new Method(method, 1.0, rows.size()), training(rows), ExampleOrder.FILE)
            .run(rows, rows, told::add);
        double[] seconds =
            told.stream().skip(1).mapToDouble(StepMetrics::seconds).sorted().toArray();
        double median = seconds[seconds.length / 2];
        System.out.printf(
            Locale.ROOT,
            "| %s | %.1f | %.0f | %.4f | %s | %.1f |%n",
            method,
            median * 1000,
            tokens / median,
            told.get(0).loss(),
            told.get(0).alignmentLoss(),
            load);
      }
    }
    return 0;
  }

  private Training training(List<TokenizedExample> rows) {
    return new Training(
        Training.Mode.Lora,
        1,
        steps,
        rows.size(),
        1,
        rows.get(0).inputIds().length,
        false,
        false,
        1e-4,
        Training.Scheduler.Constant,
        0.0,
        0.0,
        1.0,
        43,
        0,
        1,
        new Lora(RANK, ALPHA, List.of(Lora.TargetModule.values())));
  }
}
