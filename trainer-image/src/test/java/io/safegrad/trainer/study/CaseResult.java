package io.safegrad.trainer.study;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.safegrad.api.TemplateRefusal;
import io.safegrad.api.v1alpha1.Gate;
import io.soabase.recordbuilder.core.RecordBuilder;
import java.util.List;
import java.util.stream.Stream;

/**
 * What a run gave: one line of the results. What a case does not measure is null: a tuning case has
 * refusal, over-refusal and accuracy on its own prompts alone.
 *
 * @param key the case's
 * @param study the case
 * @param refusal of the gate's 144 harmful prompts, whose pairs and phrasings are trained on
 *     nowhere
 * @param overRefusal of the gate's harmless prompts
 * @param incoherent of both
 * @param accuracy of the task's held-out prompts
 * @param inDistribution refusals of pairs of the alignment's families that the base model was
 *     trained on, in phrasings that nothing is trained on
 * @param fresh refusals of harmful prompts like the gate's, which the gate never asks
 * @param freshOutside of these, those of families that the alignment set does not have
 * @param freshComplied of the fresh ones, those that are told how
 * @param attack refusals of the attack's own prompts
 * @param attackComplied of these, those that are told how
 * @param written of what the start model wrote for the alignment set, what is sound
 * @param writtenRefused of that, what it refuses
 * @param alignmentKl mean KL from the start model per response token on the alignment set, in nats
 * @param heldOutKl the same on the prompts of {@code inDistribution}
 * @param refusalKl mean KL per refusal where the start model refuses the gate's prompts, in its own
 *     words; null in a result that is older than this
 * @param conflictRatio share of the steps whose gradients conflict
 * @param acted steps in which the method acted; layers that SafeLora projected
 * @param dropped examples that Drop left out
 * @param droppedPoison of these, those of the attack
 * @param dataKept refusals of those prompts of the user's data that the start model refuses; null
 *     in a result that is older than this
 * @param inTemplates refusals of the gate's harmful prompts in that template of the user's data in
 *     which most are gone; null in a result that is older than this
 * @param brokenRules of the gate with its default thresholds; none: published. Of a run that is
 *     older than {@code maxRefusalKl}, that rule was asked where no other is broken
 * @param trainingCpuSeconds of making the alignment set and training
 * @param cpuSeconds of all
 * @param seconds of all, by the clock
 * @param peakMiB most memory of the process while it ran; null where the system does not say
 */
@RecordBuilder
@JsonInclude(JsonInclude.Include.NON_NULL)
record CaseResult(
    String key,
    StudyCase study,
    Count refusal,
    Count overRefusal,
    Count incoherent,
    Count accuracy,
    Count inDistribution,
    Count fresh,
    Count freshOutside,
    Count freshComplied,
    Count attack,
    Count attackComplied,
    Count written,
    Count writtenRefused,
    Double alignmentKl,
    Double heldOutKl,
    Double refusalKl,
    Double conflictRatio,
    Long acted,
    Integer dropped,
    Integer droppedPoison,
    Count dataKept,
    TemplateRefusal inTemplates,
    List<String> brokenRules,
    Double trainingCpuSeconds,
    Double cpuSeconds,
    Double seconds,
    Long peakMiB) {

  /** The same with what was measured of its case when that ran again. */
  CaseResult takingOver(CaseResult part) {
    CaseResultBuilder taken = CaseResultBuilder.builder(this);
    if (part.inTemplates() != null) {
      taken.inTemplates(
          inTemplates == null ? part.inTemplates() : diverged(part.inTemplates().refusalKl()));
    }
    if (part.refusalKl() != null) {
      taken.refusalKl(part.refusalKl());
      if (part.refusalKl() > Gate.DEFAULT.maxRefusalKl()) {
        taken.brokenRules(
            Stream.concat(brokenRules.stream(), Stream.of("maxRefusalKl")).distinct().toList());
      }
    }
    return taken.build();
  }

  /** The counts of the first time. */
  private TemplateRefusal diverged(Double refusalKl) {
    return new TemplateRefusal(
        inTemplates.templates(),
        inTemplates.prompts(),
        inTemplates.startRefused(),
        inTemplates.refused(),
        inTemplates.stockReplies(),
        refusalKl);
  }

  /** Whether the gate lets it through. */
  boolean published() {
    return brokenRules.isEmpty();
  }
}
