package io.safegrad.api;

import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Model;
import io.safegrad.api.v1alpha1.SafeFineTuneSpec;
import io.safegrad.api.v1alpha1.Training;
import java.util.ArrayList;
import java.util.List;

/**
 * Rules about fields that belong together. The CRD states the same in CEL; here they hold where
 * there is no API server.
 */
final class SpecRules {

  private final List<String> violations = new ArrayList<>();

  private SpecRules() {}

  /** A sentence for each rule that a spec breaks, with the field before it. */
  static List<String> violations(SafeFineTuneSpec spec) {
    SpecRules rules = new SpecRules();
    rules.method(spec.method());
    rules.storage(spec);
    return List.copyOf(rules.violations);
  }

  private void method(Method method) {
    Method.Name name = method.name();
    require(
        method.projectionScope() == Method.ProjectionScope.Global || name == Method.Name.SafeGrad,
        "spec.method: " + Method.PROJECTION_SCOPE_MESSAGE);
    require(
        method.alignmentRefreshSteps() == 1 || name.hasAlignmentWeight(),
        "spec.method: " + Method.REFRESH_MESSAGE);
    require(
        method.onConflict() == Method.OnConflict.Project || name.hasAlignmentWeight(),
        "spec.method: " + Method.ON_CONFLICT_MESSAGE);
    require(
        method.lisa() == null || name == Method.Name.Lisa, "spec.method: " + Method.LISA_MESSAGE);
    require(
        method.spag() == null || name == Method.Name.Spag, "spec.method: " + Method.SPAG_MESSAGE);
  }

  private void storage(SafeFineTuneSpec spec) {
    require(
        spec.model().storage() == Model.Storage.Float32
            || spec.training().mode() == Training.Mode.Lora,
        "spec: " + SafeFineTuneSpec.STORAGE_MESSAGE);
  }

  private void require(boolean holds, String sentence) {
    if (!holds) {
      violations.add(sentence);
    }
  }
}
