package io.safegrad.operator.plan;

import io.safegrad.api.v1alpha1.Alignment;
import io.safegrad.api.v1alpha1.DataSource;
import io.safegrad.api.v1alpha1.Dataset;
import io.safegrad.api.v1alpha1.Evaluation;
import io.safegrad.api.v1alpha1.Judge;
import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Model;
import io.safegrad.api.v1alpha1.SafeFineTuneSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An address that a run reads from.
 *
 * @param field the field of the spec that holds it, without {@code spec.}
 * @param source the address
 * @param revision of an {@code hf://} address; null for none
 * @param digest what the content must have; null for none
 */
public record Address(String field, String source, String revision, String digest) {

  /** The field of the model that Safe LoRA compares with. */
  static final String BASE_MODEL = "method.safeLora.baseModel.source";

  /** The field of the model that judges replies. */
  static final String CLASSIFIER = "safety.evaluation.judge.classifier.source";

  private static final Pattern CLAIM = Pattern.compile("pvc://([^/]+)/.+");
  private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");

  /** Everything a run reads, the model first. */
  public static List<Address> readBy(SafeFineTuneSpec spec) {
    Model model = spec.model();
    Dataset dataset = spec.dataset();
    Alignment alignment = spec.safety().alignment();
    Evaluation evaluation = spec.safety().evaluation();
    List<Address> addresses = new ArrayList<>();
    addresses.add(new Address("model.source", model.source(), model.revision(), model.digest()));
    Method.SafeLora safeLora = spec.method().safeLora();
    if (safeLora != null) {
      Method.BaseModel base = safeLora.baseModel();
      addresses.add(new Address(BASE_MODEL, base.source(), base.revision(), base.digest()));
    }
    addresses.add(
        new Address("dataset.source", dataset.source(), dataset.revision(), dataset.digest()));
    addresses.add(
        new Address(
            "safety.alignment.source",
            alignment.source(),
            alignment.revision(),
            alignment.digest()));
    addresses.add(
        new Address(
            "safety.evaluation.harmful", evaluation.harmful(), null, evaluation.harmfulDigest()));
    addresses.add(
        new Address(
            "safety.evaluation.harmless",
            evaluation.harmless(),
            null,
            evaluation.harmlessDigest()));
    if (evaluation.task() != null) {
      addresses.add(new Address("safety.evaluation.task", evaluation.task(), null, null));
    }
    Judge.Classifier judge = evaluation.judge().classifier();
    if (judge != null) {
      addresses.add(new Address(CLASSIFIER, judge.source(), judge.revision(), judge.digest()));
    }
    addresses.addAll(additional(spec));
    return addresses;
  }

  /** What a user adds to the platform's alignment and evaluation. */
  static List<Address> additional(SafeFineTuneSpec spec) {
    Evaluation evaluation = spec.safety().evaluation();
    List<Address> addresses = new ArrayList<>();
    add("safety.alignment.additional", spec.safety().alignment().additional(), addresses);
    add("safety.evaluation.additionalHarmful", evaluation.additionalHarmful(), addresses);
    add("safety.evaluation.additionalHarmless", evaluation.additionalHarmless(), addresses);
    return addresses;
  }

  private static void add(String field, List<DataSource> sources, List<Address> addresses) {
    for (int i = 0; sources != null && i < sources.size(); i++) {
      DataSource one = sources.get(i);
      addresses.add(
          new Address(
              "%s[%d].source".formatted(field, i), one.source(), one.revision(), one.digest()));
    }
  }

  /** The claim that an address names; null for one of another kind. */
  public static String claim(String source) {
    Matcher matcher = CLAIM.matcher(source);
    return matcher.matches() ? matcher.group(1) : null;
  }

  /** Whether it always means the same: the image's own data, a commit, or a content by digest. */
  boolean isPinned() {
    return source.startsWith("builtin://")
        || digest != null
        || (source.startsWith("hf://") && revision != null && COMMIT.matcher(revision).matches());
  }
}
