package io.safegrad.trainer.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.api.Manifest;
import io.safegrad.api.TrainingPlan;
import io.safegrad.api.v1alpha1.Model.Storage;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.trainer.model.MemoryEstimate;
import io.safegrad.trainer.model.MemoryEstimate.Part;
import io.safegrad.trainer.model.MemoryEstimator;
import io.safegrad.trainer.model.ModelConfig;
import io.safegrad.trainer.model.Workload;
import io.safegrad.trainer.model.Workload.Attribution;
import io.safegrad.trainer.model.Workload.Rows;
import java.io.IOException;
import java.util.List;
import java.util.Locale;

/** What runs of larger models are expected to need, as a table. Nothing is run or measured. */
final class SizingTable {

  private static final double GIB = 1 << 30;
  private static final int BATCH = 4;
  private static final int MAX_LENGTH = 1024;

  /** Alignment examples of that many tokens, 16 of them in the response. */
  private static final int ALIGNMENT_LENGTH = 128;

  private static final long REFERENCE_TOKENS = 500 * 16;
  private static final Rows PROMPTS = Rows.of(32, 64);
  private static final int REPLY = 48;
  private static final int VOCABULARY = 128_256;
  private static final long HEAP = 512L << 20;

  /** Shapes as in the config.json of published models of that size. */
  private record Shape(
      String name, int hidden, int intermediate, int layers, int heads, int kv, boolean tied) {

    ModelConfig config() throws IOException {
      String json =
          """
          {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
           "hidden_size": %d, "intermediate_size": %d, "num_hidden_layers": %d,
           "num_attention_heads": %d, "num_key_value_heads": %d, "head_dim": %d, "vocab_size": %d,
           "max_position_embeddings": 8192, "rms_norm_eps": 1e-5, "rope_theta": 500000.0,
           "tie_word_embeddings": %b, "attention_bias": false, "torch_dtype": "bfloat16",
           "bos_token_id": 0, "eos_token_id": 1}
          """
              .formatted(hidden, intermediate, layers, heads, kv, hidden / heads, VOCABULARY, tied);
      return ModelConfig.of(new ObjectMapper().readTree(json));
    }
  }

  private static final List<Shape> SHAPES =
      List.of(
          new Shape("Llama, 1B (2048 × 16)", 2048, 8192, 16, 32, 8, true),
          new Shape("Llama, 3B (3072 × 28)", 3072, 8192, 28, 24, 8, true),
          new Shape("Llama, 8B (4096 × 32)", 4096, 14336, 32, 32, 8, false));

  private SizingTable() {}

  public static void main(String... arguments) throws IOException {
    System.out.println("| model | storage | weights GiB | all GiB | peak |");
    System.out.println("|---|---|---|---|---|");
    for (Shape shape : SHAPES) {
      for (Storage storage : Storage.values()) {
        MemoryEstimate estimate = estimate(shape.config(), storage);
        System.out.printf(
            Locale.ROOT,
            "| %s | %s | %.1f | %.1f | %s |%n",
            shape.name,
            storage,
            estimate.parts().get(Part.WEIGHTS) / GIB,
            estimate.bytes() / GIB,
            estimate.moment().label());
      }
    }
  }

  private static MemoryEstimate estimate(ModelConfig config, Storage storage) {
    SafeFineTune run =
        Manifest.read(
            """
            apiVersion: safegrad.io/v1alpha1
            kind: SafeFineTune
            metadata: {name: sizing}
            spec:
              model: {source: "builtin://tiny-aligned", storage: %s}
              dataset: {source: "builtin://sentiment"}
              training: {batchSize: %d, maxLength: %d, gradientCheckpointing: Always}
              output: {destination: "pvc://adapters/sizing"}
            """
                .formatted(storage, BATCH, MAX_LENGTH));
    Workload workload =
        new Workload(
            Rows.of(BATCH, MAX_LENGTH),
            Rows.of(BATCH, ALIGNMENT_LENGTH),
            REFERENCE_TOKENS,
            new Attribution(Rows.of(BATCH, ALIGNMENT_LENGTH), 0),
            PROMPTS,
            REPLY,
            0);
    return new MemoryEstimator(config, TrainingPlan.of(run), workload, HEAP).estimate();
  }
}
