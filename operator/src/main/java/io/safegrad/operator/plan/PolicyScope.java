package io.safegrad.operator.plan;

import io.fabric8.kubernetes.api.model.LabelSelector;
import io.fabric8.kubernetes.api.model.LabelSelectorRequirement;
import io.safegrad.api.v1alpha1.SafetyPolicy;
import java.util.List;
import java.util.Map;

/** Which namespaces a policy holds in. */
public final class PolicyScope {

  private PolicyScope() {}

  /** Whether the policy holds in any namespace, whatever its labels. */
  public static boolean isEverywhere(SafetyPolicy policy) {
    LabelSelector selector = policy.getSpec().namespaceSelector();
    return selector == null
        || (orEmpty(selector.getMatchLabels()).isEmpty()
            && orEmpty(selector.getMatchExpressions()).isEmpty());
  }

  /** Whether the policy holds in a namespace with these labels. */
  public static boolean selects(SafetyPolicy policy, Map<String, String> labels) {
    LabelSelector selector = policy.getSpec().namespaceSelector();
    return selector == null
        || (orEmpty(selector.getMatchLabels()).entrySet().stream()
                .allMatch(entry -> entry.getValue().equals(labels.get(entry.getKey())))
            && orEmpty(selector.getMatchExpressions()).stream()
                .allMatch(requirement -> holds(requirement, labels)));
  }

  private static boolean holds(LabelSelectorRequirement requirement, Map<String, String> labels) {
    String value = labels.get(requirement.getKey());
    boolean listed = value != null && orEmpty(requirement.getValues()).contains(value);
    return switch (String.valueOf(requirement.getOperator())) {
      case "In" -> listed;
      case "NotIn" -> !listed;
      case "Exists" -> value != null;
      case "DoesNotExist" -> value == null;
      // An operator of a newer API must not let a namespace out.
      default -> true;
    };
  }

  private static <T> List<T> orEmpty(List<T> list) {
    return list == null ? List.of() : list;
  }

  private static Map<String, String> orEmpty(Map<String, String> map) {
    return map == null ? Map.of() : map;
  }
}
