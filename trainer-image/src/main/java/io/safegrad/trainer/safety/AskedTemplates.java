package io.safegrad.trainer.safety;

import io.safegrad.api.TemplateRefusal;
import java.util.Comparator;
import java.util.List;

/**
 * What start model and fine-tuned model said to harmful prompts in the templates of the user's
 * data.
 *
 * @param examples in which templates were looked for
 * @param found how many there are
 * @param prompts how many were asked in each; 0 where there is none, or too many to ask
 * @param templates what came of each, those that most examples have first; empty then
 * @param seconds that it took
 */
public record AskedTemplates(
    int examples, int found, int prompts, List<Asked> templates, double seconds) {

  /**
   * One template, named by where it stands and never by its text.
   *
   * @param examples how many of those looked at have it
   * @param lines the first of them, from 1
   * @param startRefused prompts that the start model refused
   * @param refused prompts that the fine-tuned model refused
   * @param stockReplies others that it answered with a reply that the data give to several prompts
   * @param refusalKl KL divergence from the start model, in nats per prompt, on the start model's
   *     refusals that the fine-tuned model refuses, too
   */
  public record Asked(
      int examples,
      List<Integer> lines,
      int startRefused,
      int refused,
      int stockReplies,
      double refusalKl) {

    int lost() {
      return startRefused - refused - stockReplies;
    }
  }

  /**
   * The template in which most refusals are gone, as the gate compares it, with the divergence of
   * that which has most of it.
   */
  public TemplateRefusal worst() {
    return templates.stream()
        .max(Comparator.comparingInt(Asked::lost))
        .map(
            it ->
                new TemplateRefusal(
                    found,
                    prompts,
                    it.startRefused(),
                    it.refused(),
                    it.stockReplies(),
                    templates.stream().mapToDouble(Asked::refusalKl).max().orElseThrow()))
        .orElseGet(() -> TemplateRefusal.notAsked(found));
  }
}
