package io.safegrad.operator;

import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.operator.admission.AdmissionCheck;
import io.safegrad.operator.observe.Queue;
import java.util.List;

/**
 * All that the operator may do in a cluster, and what for. The ClusterRole in src/main/kubernetes
 * is written from it; RoleIT fails on a right that is not used, and on a request without one.
 */
enum OperatorRight {
  RUNS(
      "create is for dry runs: is what a policy forbids really refused? delete: where ttlPolicy is"
          + " DeleteResource",
      SafeFineTune.GROUP,
      List.of("safefinetunes"),
      "list",
      "watch",
      "create",
      "delete"),
  STATUS("what is seen of a run", SafeFineTune.GROUP, List.of("safefinetunes/status"), "patch"),
  POLICIES(
      "what is demanded of runs", SafeFineTune.GROUP, List.of("safetypolicies"), "list", "watch"),
  NAMESPACES(
      "the labels by which policies select", "", List.of("namespaces"), "get", "list", "watch"),
  DEFINITIONS(
      "at start: are they there?",
      "apiextensions.k8s.io",
      List.of("customresourcedefinitions"),
      ClusterCheck.CRDS,
      List.of("get")),
  ADMISSION(
      "is it in force?",
      "admissionregistration.k8s.io",
      List.of("validatingadmissionpolicies", "validatingadmissionpolicybindings"),
      AdmissionCheck.POLICIES,
      List.of("get")),
  JOBS(
      "patch: suspend, the deadline and the time to live, which may change",
      "batch",
      List.of("jobs"),
      "list",
      "watch",
      "create",
      "patch"),
  PLANS("what the trainer reads", "", List.of("configmaps"), "list", "watch", "create"),
  NETWORK(
      "whom the trainer talks with",
      "networking.k8s.io",
      List.of("networkpolicies"),
      "list",
      "watch",
      "create"),
  PODS("how the trainer is and how it ended", "", List.of("pods"), "list", "watch"),
  EVENTS(
      "list, watch: the refusal of a pod, by a quota for example, is told by an event of the Job"
          + " and nowhere else",
      "",
      List.of("events"),
      "create",
      "list",
      "watch"),
  WORKLOADS(
      "only where Kueue is: why a run waits, and spec.active, by which it is held back. get: the"
          + " client reads what it patches",
      Queue.GROUP,
      List.of("workloads"),
      "get",
      "list",
      "patch");

  private final String purpose;
  private final String group;
  private final List<String> resources;
  private final List<String> names;
  private final List<String> verbs;

  OperatorRight(String purpose, String group, List<String> resources, String... verbs) {
    this(purpose, group, resources, List.of(), List.of(verbs));
  }

  OperatorRight(
      String purpose,
      String group,
      List<String> resources,
      List<String> names,
      List<String> verbs) {
    this.purpose = purpose;
    this.group = group;
    this.resources = resources;
    this.names = names;
    this.verbs = verbs;
  }

  /** What it is for, in one line. */
  String purpose() {
    return purpose;
  }

  /** The API group; empty for the core. */
  String group() {
    return group;
  }

  /** The resources in plural, a subresource after a slash. */
  List<String> resources() {
    return resources;
  }

  /** The objects that it is limited to; empty for any. */
  List<String> names() {
    return names;
  }

  List<String> verbs() {
    return verbs;
  }
}
