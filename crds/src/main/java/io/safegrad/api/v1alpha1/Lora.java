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
        @JsonPropertyDescription("The adapter's output is scaled by alpha / rank.")
        Integer alpha,
    @Default(
            "[\"q_proj\",\"k_proj\",\"v_proj\",\"o_proj\",\"gate_proj\",\"up_proj\",\"down_proj\"]")
        @Size(min = 1, max = 7)
        @JsonPropertyDescription("Linear layers of each block that get an adapter.")
        List<TargetModule> targetModules) {

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
