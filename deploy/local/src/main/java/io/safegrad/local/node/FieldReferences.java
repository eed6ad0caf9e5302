package io.safegrad.local.node;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Quantity;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The downward API: what a pod may learn about itself. */
final class FieldReferences {

  private static final Pattern ENTRY = Pattern.compile("metadata\\.(labels|annotations)\\['(.+)']");

  private FieldReferences() {}

  /**
   * The value of a {@code fieldRef}.
   *
   * @param address the pod's address
   */
  static String field(Pod pod, String address, String path) throws NotRunnableException {
    Matcher entry = ENTRY.matcher(path);
    if (entry.matches()) {
      Map<String, String> map =
          entry.group(1).equals("labels")
              ? pod.getMetadata().getLabels()
              : pod.getMetadata().getAnnotations();
      return map == null ? "" : map.getOrDefault(entry.group(2), "");
    }
    return switch (path) {
      case "metadata.name" -> pod.getMetadata().getName();
      case "metadata.namespace" -> pod.getMetadata().getNamespace();
      case "metadata.uid" -> pod.getMetadata().getUid();
      case "spec.nodeName" -> pod.getSpec().getNodeName();
      case "spec.serviceAccountName" -> pod.getSpec().getServiceAccountName();
      case "status.podIP", "status.podIPs" -> address;
      case "status.hostIP", "status.hostIPs" -> NodeAgent.HOST_ADDRESS;
      default -> throw NotRunnableException.configuration("fieldRef " + path + " is not known");
    };
  }

  /** The value of a {@code resourceFieldRef}, rounded up to whole multiples of its divisor. */
  static String resource(Container container, String name, Quantity divisor)
      throws NotRunnableException {
    String[] path = name.split("\\.", 2);
    Map<String, Quantity> quantities =
        container.getResources() == null
            ? Map.of()
            : path[0].equals("limits")
                ? container.getResources().getLimits()
                : container.getResources().getRequests();
    if (path.length != 2 || quantities == null || !quantities.containsKey(path[1])) {
      throw NotRunnableException.configuration(
          "resourceFieldRef %s: container %s does not set it".formatted(name, container.getName()));
    }
    BigDecimal unit = divisor == null ? BigDecimal.ZERO : Quantity.getAmountInBytes(divisor);
    return Quantity.getAmountInBytes(quantities.get(path[1]))
        .divide(unit.signum() == 0 ? BigDecimal.ONE : unit, 0, RoundingMode.CEILING)
        .toPlainString();
  }
}
