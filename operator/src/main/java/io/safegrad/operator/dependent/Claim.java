package io.safegrad.operator.dependent;

import io.safegrad.api.v1alpha1.Evaluation;
import io.safegrad.api.v1alpha1.SafeFineTuneSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A PersistentVolumeClaim that a run's addresses name.
 *
 * @param volume the pod's volume; a claim's own name may be longer than a volume's
 * @param readOnly whether the run only reads from it
 */
record Claim(String name, String volume, boolean readOnly) {

  private static final Pattern ADDRESS = Pattern.compile("pvc://([^/]+)/.+");

  /** The claims of a run, each once, by name. */
  static List<Claim> of(SafeFineTuneSpec spec) {
    Evaluation evaluation = spec.safety().evaluation();
    List<String> read =
        claims(
            Stream.of(
                spec.model().source(),
                spec.dataset().source(),
                spec.safety().alignment().source(),
                evaluation.harmful(),
                evaluation.harmless(),
                evaluation.task()));
    List<String> written = claims(Stream.of(spec.output().destination()));
    TreeSet<String> names = new TreeSet<>(read);
    names.addAll(written);
    List<Claim> claims = new ArrayList<>();
    for (String name : names) {
      claims.add(new Claim(name, "claim-" + claims.size(), !written.contains(name)));
    }
    return claims;
  }

  private static List<String> claims(Stream<String> addresses) {
    return addresses
        .filter(Objects::nonNull)
        .map(ADDRESS::matcher)
        .filter(Matcher::matches)
        .map(matcher -> matcher.group(1))
        .toList();
  }
}
