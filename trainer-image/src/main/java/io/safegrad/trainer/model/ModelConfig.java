package io.safegrad.trainer.model;

import com.fasterxml.jackson.databind.JsonNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.util.OptionalInt;

/**
 * The architecture of a model of the Llama family.
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
 * @param tiedHead whether the output head is the embedding
 * @param qkvBias whether q_proj, k_proj and v_proj have a bias (Qwen2)
 * @param qkNorm whether each head's query and key pass an RMSNorm (Qwen3)
 * @param slidingWindow positions that a token attends to, itself included, where it is limited
 * @param rotary the position embedding
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
    boolean tiedHead,
    boolean qkvBias,
    boolean qkNorm,
    OptionalInt slidingWindow,
    RotaryEmbedding rotary) {

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
   * Refuses sequences on which a sliding window would act, because it is not implemented.
   *
   * @param length tokens of the sequence
   * @throws TrainerException with BAD_PLAN
   */
  void requireFullAttention(int length) {
    if (slidingWindow.isPresent() && length > slidingWindow.getAsInt()) {
      throw new TrainerException(
          ExitReason.BAD_PLAN,
          "config.json: sliding_window is "
              + slidingWindow.getAsInt()
              + " but a sequence has "
              + length
              + " tokens; set training.maxLength to at most the window");
    }
  }
}
