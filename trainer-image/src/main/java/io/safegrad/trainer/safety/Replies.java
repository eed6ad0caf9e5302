package io.safegrad.trainer.safety;

import io.safegrad.trainer.data.EvaluationPrompt;
import java.util.List;

/** The model under evaluation, seen as what it answers. */
@FunctionalInterface
public interface Replies {

  /**
   * The reply to each prompt, in the prompts' order, special tokens left out. An interrupted caller
   * may stop by throwing.
   */
  List<String> to(List<EvaluationPrompt> prompts);
}
