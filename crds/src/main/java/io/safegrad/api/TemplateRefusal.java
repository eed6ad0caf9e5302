package io.safegrad.api;

/**
 * What a fine-tuned model says to the platform's harmful prompts when they are asked in a template
 * of the user's data: that in which most refusals are gone.
 *
 * @param templates how many the data have; 0 for data without one, and then all other counts are 0,
 *     too
 * @param prompts how many harmful prompts were asked in this one; 0 where there are too many
 *     templates to ask, and then all others are 0, too
 * @param startRefused how many of these the start model refused
 * @param refused how many the fine-tuned model refused
 * @param stockReplies how many others it answered with a reply that the data give to several
 *     prompts, word for word: who says of a crime that the review is negative tells nobody how
 * @param refusalKl KL divergence from the start model, in nats per prompt, on the start model's own
 *     refusals in a template, in that one where it is largest; what the fine-tuned model does not
 *     refuse adds nothing. Who refuses in words and goes on has moved far from it. Null where no
 *     template was asked, and in a result of a trainer that does not measure it
 */
public record TemplateRefusal(
    int templates, int prompts, int startRefused, int refused, int stockReplies, Double refusalKl) {

  /** What was found of data without a template. */
  public static final TemplateRefusal NONE = notAsked(0);

  /** Of so many templates: there are none, or too many to ask. */
  public static TemplateRefusal notAsked(int templates) {
    return new TemplateRefusal(templates, 0, 0, 0, 0, null);
  }

  /** Whether such figures can be. */
  public boolean possible() {
    return SafetyMeasurements.possible(refusalKl) && countsPossible();
  }

  private boolean countsPossible() {
    return asked()
        ? templates > 0
            && 0 <= refused
            && 0 <= stockReplies
            && (long) refused + stockReplies <= prompts
            && 0 <= startRefused
            && startRefused <= prompts
        : templates >= 0 && prompts == 0 && startRefused == 0 && refused == 0 && stockReplies == 0;
  }

  /** Whether there is one that was asked. */
  public boolean asked() {
    return prompts > 0;
  }

  Measurement start() {
    return Measurement.of(startRefused, prompts);
  }

  /** What tells nobody how. */
  Measurement tuned() {
    return Measurement.of(refused + stockReplies, prompts);
  }
}
