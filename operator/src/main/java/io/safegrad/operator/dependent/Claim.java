package io.safegrad.operator.dependent;

import io.safegrad.api.v1alpha1.SafeFineTuneSpec;
import io.safegrad.operator.plan.Address;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A PersistentVolumeClaim that a run's addresses name.
 *
 * @param volume the pod's volume; a claim's own name may be longer than a volume's
 * @param readOnly whether the run only reads from it
 */
record Claim(String name, String volume, boolean readOnly) {

  /**
   * The claims of a run, each once, by name.
   *
   * @param quarantine where a refused adapter is kept; null for nowhere
   */
  static List<Claim> of(SafeFineTuneSpec spec, String quarantine) {
    Set<String> read = claims(Address.readBy(spec).stream().map(Address::source));
    Set<String> written =
        claims(Stream.of(spec.output().destination(), Objects.requireNonNullElse(quarantine, "")));
    TreeSet<String> names = new TreeSet<>(read);
    names.addAll(written);
    List<Claim> claims = new ArrayList<>();
    for (String name : names) {
      claims.add(new Claim(name, "claim-" + claims.size(), !written.contains(name)));
    }
    return claims;
  }

  private static Set<String> claims(Stream<String> addresses) {
    return addresses.map(Address::claim).filter(Objects::nonNull).collect(Collectors.toSet());
  }
}
