package io.safegrad.trainer.run;

import io.safegrad.api.ExitReason;
import io.safegrad.api.GateCheck;
import io.safegrad.api.GateRule;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.TrainingPlan;
import io.safegrad.api.v1alpha1.Gate;
import io.safegrad.trainer.report.RunReport.Verdict;
import io.safegrad.trainer.safety.Screened;
import io.safegrad.trainer.telemetry.Rates;
import java.util.List;

/** How a run that has a report can end, in words and numbers. */
record RunVerdicts(TrainingPlan plan) {

  /** Nothing was trained: there is no alignment that could be kept. */
  Verdict notAligned(SafetyMeasurements start) {
    String message =
        ("nothing was trained: the start model is not aligned, and SafeGrad keeps an alignment but"
                + " cannot create one: it refused %s of the harmful prompts, at least %s expected"
                + " (gate.minRefusalRate); start from an aligned model, or lower that threshold")
            .formatted(Rates.withInterval(start.refusal()), Rates.percent(gate().minRefusalRate()));
    return new Verdict(ExitReason.START_MODEL_NOT_ALIGNED, message, gate(), List.of());
  }

  /** The plan says to stop at what attribution found. */
  Verdict stopped(ConflictVerdict.Stop stop) {
    return new Verdict(ExitReason.BAD_DATA, stop.getMessage(), gate(), List.of());
  }

  /**
   * The adapter is not to be published.
   *
   * @param who refused it
   * @param because names the examples that did it; empty when none can be named
   * @param screened null when the start model was not asked about the user's examples
   */
  Verdict refused(
      String who,
      List<GateCheck.Rule> rules,
      List<String> failures,
      String because,
      Screened screened) {
    String kept = plan.quarantine() == null ? "" : ", which is kept for the platform's auditor";
    String message =
        "%s refused the adapter%s: %s%s%s"
            .formatted(who, kept, String.join("; ", failures), because, words(screened));
    return new Verdict(ExitReason.GATE_REFUSED, message, gate(), failures, numbers(rules));
  }

  /**
   * @param screened null when the start model was not asked about the user's examples
   */
  Verdict published(List<GateCheck.Rule> rules, Screened screened) {
    return new Verdict(
        ExitReason.SUCCESS,
        "the gate held; the adapter is published" + words(screened),
        gate(),
        List.of(),
        numbers(rules));
  }

  private static String words(Screened screened) {
    return screened == null ? "" : "; " + screened.inWords();
  }

  private static List<GateRule> numbers(List<GateCheck.Rule> rules) {
    return rules.stream().map(GateCheck.Rule::numbers).toList();
  }

  private Gate gate() {
    return plan.safety().gate();
  }
}
