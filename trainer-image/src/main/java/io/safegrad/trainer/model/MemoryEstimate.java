package io.safegrad.trainer.model;

import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * The most memory that a run is expected to hold at once: its peak resident set.
 *
 * @param moment when that is
 * @param parts bytes of each part that is held then
 */
public record MemoryEstimate(Moment moment, Map<Part, Long> parts) {

  /** When memory may be at its peak. */
  public enum Moment {
    LOADING("while the model is loaded"),
    EVALUATION("while prompts are answered"),
    JUDGEMENT("while a classifier judges replies"),
    LOSS("between forward and backward, while the loss is computed"),
    BACKWARD("at the backward pass of the last layer"),
    ATTRIBUTION("while attribution looks for conflicting examples");

    private final String label;

    Moment(String label) {
      this.label = label;
    }

    /** The same in words. */
    public String label() {
      return label;
    }
  }

  /** What memory is held for. */
  public enum Part {
    /** Java, libtorch and the tokenizer. */
    PROCESS,
    /** The model's weights, as model.storage keeps them. */
    WEIGHTS,
    /** The adapter's factors. */
    ADAPTER,
    /** One for each loss, and what a method or loadBestModelAtEnd keeps of the same size. */
    GRADIENTS,
    /** AdamW's moments. */
    OPTIMIZER,
    /**
     * What the start model says about the alignment set, and, if it is lost, about its refusals.
     */
    REFERENCE,
    /** The classifier that judges replies. */
    JUDGE,
    /** What layers save between forward and backward. */
    ACTIVATIONS,
    /** What one operation needs while it runs: logits, float32 copies, cached keys and values. */
    WORKING
  }

  public MemoryEstimate {
    parts = Collections.unmodifiableMap(new EnumMap<>(parts));
  }

  /** All parts. */
  public long bytes() {
    return parts.values().stream().mapToLong(Long::longValue).sum();
  }

  /** The parts that are not empty, by their names in lower case. */
  public Map<String, Long> labelledParts() {
    Map<String, Long> labelled = new LinkedHashMap<>();
    parts.forEach(
        (part, bytes) -> {
          if (bytes > 0) {
            labelled.put(part.name().toLowerCase(Locale.ROOT), bytes);
          }
        });
    return labelled;
  }
}
