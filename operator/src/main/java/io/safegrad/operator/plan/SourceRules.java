package io.safegrad.operator.plan;

import io.safegrad.api.v1alpha1.Alignment;
import io.safegrad.api.v1alpha1.Evaluation;
import io.safegrad.api.v1alpha1.Judge;
import io.safegrad.api.v1alpha1.SafeFineTuneSpec;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.PolicyValue;
import io.safegrad.api.v1alpha1.SafetyPolicySpec;
import io.safegrad.api.v1alpha1.SafetyPolicySpec.AlignmentSource;
import io.safegrad.api.v1alpha1.SafetyPolicySpec.AllowedSources;
import io.safegrad.api.v1alpha1.SafetyPolicySpec.EvaluationSources;
import io.safegrad.api.v1alpha1.SafetyPolicySpec.Quarantine;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * Where a run may read and write.
 *
 * @param fixed the values that policies had set when the run started; empty before
 */
record SourceRules(
    SafeFineTuneSpec spec, boolean started, List<PolicyValue> fixed, Violations policy) {

  private static final AllowedSources ANY = new AllowedSources(null, null);
  private static final EvaluationSources NO_EVALUATION =
      new EvaluationSources(null, null, null, null, null, null);
  private static final AlignmentSource NO_ALIGNMENT = new AlignmentSource(null, null, null);

  void check(SafetyPolicySpec demanded) {
    AllowedSources allowed = Objects.requireNonNullElse(demanded.allowedSources(), ANY);
    for (Address address : Address.readBy(spec)) {
      if (address.field().equals(Address.CLASSIFIER)) {
        if (!isPlatformsJudge(demanded)) {
          allowed(address, "allowedSources.model", allowed.model());
        }
      } else if (List.of("model.source", Address.BASE_MODEL).contains(address.field())) {
        allowed(address, "allowedSources.model", allowed.model());
      } else if (!isPlatformField(address)) {
        allowed(address, "allowedSources.data", allowed.data());
      }
    }
    platform(demanded, allowed);
    if (Boolean.TRUE.equals(demanded.requirePinnedRevision())) {
      pinned(demanded);
    }
    if (demanded.quarantine() != null && demanded.quarantine().rule() == Quarantine.Rule.Keep) {
      quarantine(demanded.quarantine().claim());
    }
  }

  /** Whether this policy names the judge, or another one did when the run started. */
  private boolean isPlatformsJudge(SafetyPolicySpec demanded) {
    return isFixed(PolicyMerge.JUDGE)
        || (demanded.evaluation() != null
            && spec.safety().evaluation().judge().equals(demanded.evaluation().judge()));
  }

  private void allowed(Address address, String rule, List<String> patterns) {
    policy.unlessAllowed("spec." + address.field(), address.source(), rule, patterns);
  }

  /** Whether the field is one that the platform may set. */
  private static boolean isPlatformField(Address address) {
    return List.of(
            "safety.alignment.source", "safety.evaluation.harmful", "safety.evaluation.harmless")
        .contains(address.field());
  }

  private void platform(SafetyPolicySpec demanded, AllowedSources allowed) {
    Alignment alignment = spec.safety().alignment();
    Evaluation evaluation = spec.safety().evaluation();
    AlignmentSource examples = Objects.requireNonNullElse(demanded.alignment(), NO_ALIGNMENT);
    EvaluationSources prompts = Objects.requireNonNullElse(demanded.evaluation(), NO_EVALUATION);
    boolean demandsEvaluation = demanded.demandsEvaluation();
    choice(
        new Choice(
            PolicyMerge.ALIGNMENT,
            alignment.source(),
            Alignment.DEFAULT.source(),
            examples.source()),
        false,
        allowed.data());
    pin(PolicyMerge.ALIGNMENT_REVISION, alignment.revision(), examples.revision());
    pin(PolicyMerge.ALIGNMENT_DIGEST, alignment.digest(), examples.digest());
    choice(
        new Choice(
            PolicyMerge.HARMFUL,
            evaluation.harmful(),
            Evaluation.DEFAULT.harmful(),
            prompts.harmful()),
        demandsEvaluation,
        allowed.data());
    choice(
        new Choice(
            PolicyMerge.HARMLESS,
            evaluation.harmless(),
            Evaluation.DEFAULT.harmless(),
            prompts.harmless()),
        demandsEvaluation,
        allowed.data());
    Judge judge = demanded.demandedJudge();
    if (judge != null && judge.classifier() != null) {
      writable(PolicyMerge.JUDGE, judge.classifier().source());
    }
    pin(PolicyMerge.HARMFUL_DIGEST, evaluation.harmfulDigest(), prompts.harmfulDigest());
    pin(PolicyMerge.HARMLESS_DIGEST, evaluation.harmlessDigest(), prompts.harmlessDigest());
    choice(
        new Choice(
            PolicyMerge.MAX_NEW_TOKENS,
            evaluation.maxNewTokens(),
            Evaluation.DEFAULT.maxNewTokens(),
            prompts.maxNewTokens()),
        demandsEvaluation,
        null);
  }

  /**
   * What a tenant may choose and the platform, too.
   *
   * @param found the run's
   * @param standard what a run has that names none
   * @param named what the policy names; null for nothing
   */
  private record Choice(String field, Object found, Object standard, Object named) {

    boolean isStandard() {
      return found.equals(standard);
    }
  }

  /**
   * What the platform names takes the place of the default; nobody else may name another. Of what
   * another policy named nothing is said here.
   *
   * @param demandsStandard whether a policy that names nothing wants the default
   * @param allowed patterns that a tenant's own must match where it does not; null for any
   */
  private void choice(Choice choice, boolean demandsStandard, List<String> allowed) {
    String field = "spec.safety." + choice.field();
    if (choice.named() != null) {
      writable(choice.field(), choice.named().toString());
      boolean replaced = !started && choice.isStandard();
      if (!choice.found().equals(choice.named()) && !replaced) {
        policy.add(field, choice.field(), choice.found(), choice.named() + " expected");
      }
    } else if (!choice.isStandard() && !isFixed(choice.field())) {
      if (demandsStandard) {
        policy.add(field, PolicyCheck.MEASURES, choice.found(), choice.standard() + " expected");
      } else {
        policy.unlessAllowed(field, choice.found().toString(), "allowedSources.data", allowed);
      }
    }
  }

  private boolean isFixed(String field) {
    return fixed.stream().anyMatch(value -> value.field().equals(field));
  }

  /** Before the start, the platform's takes the place of whatever is there. */
  private void pin(String field, String found, String platform) {
    if (started && platform != null && !platform.equals(found)) {
      policy.add("spec.safety." + field, field, found, platform + " expected");
    }
  }

  /** The platform answers for its own data, and the task's measure decides nothing. */
  private void pinned(SafetyPolicySpec demanded) {
    Address.readBy(spec).stream()
        .filter(address -> !address.isPinned())
        .filter(address -> !address.field().equals("safety.evaluation.task"))
        .filter(
            address -> !address.field().equals(Address.CLASSIFIER) || !isPlatformsJudge(demanded))
        .filter(address -> !isPlatformField(address) || !isPlatforms(address, demanded))
        .forEach(
            address ->
                policy.add(
                    "spec." + address.field(),
                    "requirePinnedRevision",
                    address.source()
                        + (address.revision() == null ? "" : " at " + address.revision()),
                    address.source().startsWith("hf://")
                        ? "a revision of 40 hexadecimal digits or a digest expected"
                        : "a digest expected"));
  }

  private boolean isPlatforms(Address address, SafetyPolicySpec demanded) {
    return isFixed(address.field().replace("safety.", ""))
        || Stream.of(
                Objects.requireNonNullElse(demanded.alignment(), NO_ALIGNMENT).source(),
                Objects.requireNonNullElse(demanded.evaluation(), NO_EVALUATION).harmful(),
                Objects.requireNonNullElse(demanded.evaluation(), NO_EVALUATION).harmless())
            .anyMatch(address.source()::equals);
  }

  /** Nobody reads what is kept, or writes beside it. */
  private void quarantine(String claim) {
    Stream.concat(
            Address.readBy(spec).stream(),
            Stream.of(new Address("output.destination", spec.output().destination(), null, null)))
        .filter(address -> claim.equals(Address.claim(address.source())))
        .forEach(
            address ->
                policy.add(
                    "spec." + address.field(),
                    "quarantine.claim",
                    address.source(),
                    "another claim than the quarantine's " + claim + " expected"));
  }

  /** The claim of the output is mounted for writing, and the platform's data must not be. */
  private void writable(String field, String platform) {
    String destination = spec.output().destination();
    String claim = Address.claim(platform);
    if (claim != null && claim.equals(Address.claim(destination))) {
      policy.add(
          "spec.output.destination",
          field,
          destination,
          "another claim than that of the platform's " + platform + " expected");
    }
  }
}
