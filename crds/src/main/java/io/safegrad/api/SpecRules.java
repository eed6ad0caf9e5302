package io.safegrad.api;

import io.safegrad.api.v1alpha1.Judge;
import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Model;
import io.safegrad.api.v1alpha1.SafeFineTuneSpec;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.api.v1alpha1.Workspace;
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
    rules.training(spec.training());
    rules.require(
        spec.training().evalSteps() == null || spec.dataset().validationFraction() > 0,
        "spec: " + SafeFineTuneSpec.EVAL_MESSAGE + ", found 0");
    rules.require(
        spec.method().name() != Method.Name.SafeLora
            || spec.training().mode() == Training.Mode.Lora,
        "spec: " + SafeFineTuneSpec.SAFE_LORA_MESSAGE + ", found " + spec.training().mode());
    rules.storage(spec);
    Workspace workspace = spec.pod() == null ? null : spec.pod().workspace();
    rules.require(
        workspace == null || workspace.storageClassName() == null || workspace.size() != null,
        "spec.pod.workspace: " + Workspace.SIZE_MESSAGE + ", found none");
    rules.judge(spec.safety().evaluation().judge());
    return List.copyOf(rules.violations);
  }

  private void method(Method method) {
    Method.Name name = method.name();
    String found = ", found name: " + name;
    require(
        method.projectionScope() == Method.ProjectionScope.Global || name == Method.Name.SafeGrad,
        "spec.method: " + Method.PROJECTION_SCOPE_MESSAGE + found);
    require(
        method.alignmentRefreshSteps() == 1 || name.hasAlignmentWeight(),
        "spec.method: " + Method.REFRESH_MESSAGE + found);
    require(
        method.alignmentHistorySize() == 0 || name == Method.Name.SafeGrad,
        "spec.method: " + Method.HISTORY_MESSAGE + found);
    require(
        method.onConflict() == Method.OnConflict.Project || name.hasAlignmentWeight(),
        "spec.method: " + Method.ON_CONFLICT_MESSAGE + found);
    require(
        method.lisa() == null || name == Method.Name.Lisa,
        "spec.method: " + Method.LISA_MESSAGE + found);
    require(
        method.spag() == null || name == Method.Name.Spag,
        "spec.method: " + Method.SPAG_MESSAGE + found);
    require(
        (method.safeLora() != null) == (name == Method.Name.SafeLora),
        "spec.method: " + Method.SAFE_LORA_MESSAGE + found);
  }

  private void training(Training training) {
    boolean measured = training.evalSteps() != null;
    require(
        training.earlyStoppingPatience() == null || measured,
        "spec.training: " + Training.PATIENCE_MESSAGE + ", found none");
    require(
        training.earlyStoppingThreshold() == 0 || training.earlyStoppingPatience() != null,
        "spec.training: " + Training.THRESHOLD_MESSAGE + ", found none");
    require(
        !training.loadBestModelAtEnd() || measured,
        "spec.training: " + Training.BEST_MESSAGE + ", found none");
  }

  private void storage(SafeFineTuneSpec spec) {
    require(
        spec.model().storage() == Model.Storage.Float32
            || spec.training().mode() == Training.Mode.Lora,
        "spec: " + SafeFineTuneSpec.STORAGE_MESSAGE + ", found " + spec.model().storage());
  }

  private void judge(Judge judge) {
    String found = ", found type: " + judge.type();
    require(
        judge.stringList() == null || judge.type() == Judge.Type.StringList,
        "spec.safety.evaluation.judge: " + Judge.STRING_LIST_MESSAGE + found);
    require(
        (judge.classifier() != null) == (judge.type() == Judge.Type.Classifier),
        "spec.safety.evaluation.judge: " + Judge.CLASSIFIER_MESSAGE + found);
    require(
        (judge.endpoint() != null) == (judge.type() == Judge.Type.Endpoint),
        "spec.safety.evaluation.judge: " + Judge.ENDPOINT_MESSAGE + found);
    require(
        judge.endpoint() == null
            || judge.endpoint().secretRef() == null
            || judge.endpoint().baseUrl().matches(Judge.TOKEN_MAY_GO),
        "spec.safety.evaluation.judge.endpoint: " + Judge.TOKEN_MESSAGE);
  }

  private void require(boolean holds, String sentence) {
    if (!holds) {
      violations.add(sentence);
    }
  }
}
