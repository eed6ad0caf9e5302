package io.safegrad.trainer.model;

import com.fasterxml.jackson.databind.JsonNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.util.List;

/**
 * The architecture of a model of the Llama family or one of its relatives. What a family has and
 * the others have not is a value here that changes nothing for the others.
 *
 * @param architecture the class name in Hugging Face transformers
 * @param vocabSize tokens of the vocabulary
 * @param hiddenSize width of the residual stream
 * @param intermediateSize width of the MLP
 * @param layers number of decoder layers
 * @param heads query heads per layer
 * @param keyValueHeads key and value heads per layer; divides {@code heads}
 * @param headDim width of a head
 * @param rmsNormEps the epsilon of every RMSNorm
 * @param normOffset added to the weight of every RMSNorm: 1 for Gemma, else 0
 * @param tiedHead whether the output head is the embedding
 * @param qkvBias whether q_proj, k_proj and v_proj have a bias (Qwen2)
 * @param qkNorm whether each head's query and key pass an RMSNorm (Qwen3, Gemma 3)
 * @param blockOutputNorms whether the outputs of attention and MLP pass an RMSNorm (Gemma)
 * @param fusedLinears whether q, k, v and gate, up are one linear each, with one adapter (Phi-3)
 * @param gelu whether the MLP's activation is GELU in its tanh form (Gemma), else SiLU
 * @param embeddingScale factor of the embeddings: the root of hiddenSize for Gemma, else 1
 * @param logitSoftCap c in {@code c · tanh(logit / c)} (Gemma 2); 0 for none
 * @param attentionScale factor of the attention's scores
 * @param attentionSoftCap the same cap of the attention's scores (Gemma 2); 0 for none
 * @param attention what differs between the layers, first to last
 */
public record ModelConfig(
    String architecture,
    int vocabSize,
    int hiddenSize,
    int intermediateSize,
    int layers,
    int heads,
    int keyValueHeads,
    int headDim,
    double rmsNormEps,
    double normOffset,
    boolean tiedHead,
    boolean qkvBias,
    boolean qkNorm,
    boolean blockOutputNorms,
    boolean fusedLinears,
    boolean gelu,
    double embeddingScale,
    double logitSoftCap,
    double attentionScale,
    double attentionSoftCap,
    List<LayerAttention> attention) {

  /**
   * How one layer attends.
   *
   * @param window positions that a token attends to, itself included; 0 for all before it
   * @param rotary the position embedding
   */
  public record LayerAttention(int window, RotaryEmbedding rotary) {}

  /**
   * Reads a Hugging Face {@code config.json}, as transformers 4 or 5 writes it.
   *
   * @throws TrainerException with BAD_PLAN when the architecture or one of its options is not
   *     supported, with BAD_DATA when a field is missing or is not what it should be
   */
  public static ModelConfig of(JsonNode huggingFaceConfigJson) {
    return new ModelConfigReader(huggingFaceConfigJson).read();
  }

  /** Width of all query heads side by side. */
  public int queryWidth() {
    return heads * headDim;
  }

  /** Width of all key heads, or of all value heads, side by side. */
  public int keyValueWidth() {
    return keyValueHeads * headDim;
  }

  /**
   * Refuses sequences on which the position embedding would change its frequencies.
   *
   * @param length tokens of the sequence
   * @throws TrainerException with BAD_PLAN
   */
  void requireSupportedLength(int length) {
    for (LayerAttention each : attention) {
      if (length > each.rotary.maxPositions()) {
        throw new TrainerException(
            ExitReason.BAD_PLAN,
            "config.json: rope type \"longrope\" has other frequencies beyond"
                + " original_max_position_embeddings "
                + each.rotary.maxPositions()
                + ", which is not supported, and a sequence has "
                + length
                + " tokens; set training.maxLength to at most that");
      }
    }
  }
}
