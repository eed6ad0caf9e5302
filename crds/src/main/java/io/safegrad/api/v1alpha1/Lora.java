package io.safegrad.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Size;
import java.util.List;

/** A LoRA adapter (arXiv 2106.09685), in PEFT's terms. */
public record Lora(
    @Default("8") @Min(1) @Max(1024) @JsonPropertyDescription("Rank r of the two factors.")
        Integer rank,
    @Default("16")
        @Min(1)
        @Max(65536)
        @JsonPropertyDescription(
            "The adapter's output is scaled by alpha / rank, or by alpha / √rank with useRslora.")
        Integer alpha,
    @Default("0.0")
        @Min(0)
        @Max(0.9)
        @JsonPropertyDescription(
            "Share of each adapter's inputs that is left out at random while it learns the user's"
                + " examples. Alignment examples and evaluations have none.")
        Double dropout,
    @Default("false")
        @JsonPropertyDescription(
            "Rank-stabilised LoRA (arXiv 2312.03732): the scale is alpha / √rank. PEFT and vLLM read"
                + " it from the adapter; llama.cpp does not, so merge the adapter for it.")
        Boolean useRslora,
    @Default(
            "[\"q_proj\",\"k_proj\",\"v_proj\",\"o_proj\",\"gate_proj\",\"up_proj\",\"down_proj\"]")
        @Size(min = 1, max = 7)
        @JsonPropertyDescription("Linear layers of each block that get an adapter.")
        List<TargetModule> targetModules) {

  /** An adapter whose other parameters are at their defaults. */
  public Lora(Integer rank, Integer alpha, List<TargetModule> targetModules) {
    this(rank, alpha, 0.0, false, targetModules);
  }

  /** What the product of the two factors is multiplied with. */
  public double scale() {
    return alpha / (useRslora ? Math.sqrt(rank) : rank);
  }

  /** The linear layers of a block, by their Hugging Face names. */
  public enum TargetModule {
    q_proj,
    k_proj,
    v_proj,
    o_proj,
    gate_proj,
    up_proj,
    down_proj
  }
}
