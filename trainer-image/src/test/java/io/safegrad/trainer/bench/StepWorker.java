package io.safegrad.trainer.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.management.OperatingSystemMXBean;
import io.safegrad.api.v1alpha1.Lora;
import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Model;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.api.v1alpha1.Training.GradientCheckpointing;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.ModelConfig;
import io.safegrad.trainer.train.ExampleOrder;
import io.safegrad.trainer.train.TrainingLoop;
import io.safegrad.trainer.weights.SafetensorsWeights;
import io.safegrad.trainer.weights.Weights;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Our side of {@link SpeedBench}, and the one side of {@link LengthBench}: trains for some steps in
 * a process of its own and reports.
 */
@Command(name = "step-worker")
final class StepWorker implements Runnable {

  private static final OperatingSystemMXBean PROCESS =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  private static final int PROFILED = 15;

  @Option(names = "--case", required = true)
  private BenchCase benchCase;

  @Option(names = "--model", required = true)
  private Path directory;

  @Option(names = "--steps", required = true)
  private int steps;

  @Option(names = "--length", defaultValue = "" + BenchCase.LENGTH)
  private int length;

  @Option(names = "--checkpointing", defaultValue = "Auto")
  private GradientCheckpointing checkpointing;

  @Option(names = "--gemms", description = "Measures the step's matrix products alone, too.")
  private boolean gemms;

  @Option(
      names = "--profile",
      description =
          "Prints which of torch's operators the last step's time goes to; two steps at least.")
  private boolean profile;

  @Option(names = "--threads", required = true)
  private int threads;

  @Option(names = "--storage", defaultValue = "Float32")
  private Model.Storage storage;

  @Option(names = "--out", required = true)
  private Path out;

  public static void main(String... arguments) {
    System.exit(new CommandLine(new StepWorker()).execute(arguments));
  }

  @Override
  public void run() {
    try {
      train();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void train() throws IOException {
    ObjectMapper json = new ObjectMapper();
    ModelConfig config = ModelConfig.of(json.readTree(directory.resolve("config.json").toFile()));
    Method method = new Method(benchCase.method, 1.0, Math.max(1, benchCase.alignmentRows));
    List<TokenizedExample> user =
        BenchData.rows(BenchCase.USER_ROWS * 2, length, benchCase.labels, config.vocabSize(), 1);
    List<TokenizedExample> alignment =
        BenchData.rows(
            benchCase.alignmentExamples, length, BenchCase.Labels.HALF, config.vocabSize(), 2);
    List<Map<String, Double>> report = new ArrayList<>();
    try (Weights weights = SafetensorsWeights.open(directory);
        CausalLm model = CausalLm.load(config, weights, training(), storage)) {
      model.torch().setThreads(threads);
      long[] last = {PROCESS.getProcessCpuTime(), System.nanoTime()};
      new TrainingLoop(model, method, training(), ExampleOrder.FILE)
          .run(
              user,
              alignment,
              step -> {
                long cpu = PROCESS.getProcessCpuTime();
                long wall = System.nanoTime();
                report.add(
                    Map.of(
                        "loss", step.loss(),
                        "cpu_s", (cpu - last[0]) / 1e9,
                        "wall_s", (wall - last[1]) / 1e9));
                if (profile) {
                  profile(report.size());
                }
                last[0] = cpu;
                last[1] = wall;
              });
      double peakRssMib = Measured.ownPeakRssMib();
      long afterSteps = System.nanoTime();
      double gemm = gemms ? new BareGemms(config, model.torch()).cpuSeconds(benchCase) : 0;
      json.writeValue(
          out.toFile(),
          Map.of(
              "steps", report,
              "peak_rss_mib", peakRssMib,
              "gemm_cpu_s", gemm,
              "after_steps_s", (System.nanoTime() - afterSteps) / 1e9));
    }
  }

  private void profile(int stepsDone) {
    if (stepsDone == steps - 1) {
      OperatorProfile.start();
    } else if (stepsDone == steps) {
      try {
        OperatorProfile.stop().print(System.out, PROFILED);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private Training training() {
    return training(steps, length, checkpointing);
  }

  /** The benches' own: every linear has an adapter. */
  static Training training(int steps, int length, GradientCheckpointing checkpointing) {
    return new Training(
        Training.Mode.Lora,
        1,
        steps,
        BenchCase.USER_ROWS,
        1,
        length,
        false,
        false,
        1e-4,
        Training.Scheduler.Constant,
        0.0,
        0.0,
        0.0,
        43,
        0,
        1,
        null,
        null,
        0.0,
        false,
        checkpointing,
        false,
        new Lora(8, 16, List.of(Lora.TargetModule.values())));
  }
}
