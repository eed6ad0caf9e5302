package io.safegrad.operator.observe;

import io.safegrad.api.v1alpha1.ConditionReason;
import io.safegrad.operator.observe.RunObservation.Cause;
import java.util.Arrays;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Something that a run names and the cluster does not have. Scheduler, kubelet, admission and Kueue
 * each say so in words of their own, under reasons that stand for much else.
 */
enum MissingReference {
  CLAIM(
      ConditionReason.ClaimNotFound,
      "persistentvolumeclaim \"([^\"]+)\" not found",
      "The PersistentVolumeClaim %s does not exist in the run's namespace; the run goes on as soon"
          + " as it is created"),
  STORAGE_CLASS(
      ConditionReason.StorageClassNotFound,
      "storageclass(?:\\.storage\\.k8s\\.io)? \"([^\"]+)\" not found",
      "The StorageClass %s, of spec.pod.workspace or of a claim, does not exist in this cluster; the"
          + " run goes on as soon as it is created, or begin it anew with another"),
  SECRET_KEY(
      ConditionReason.SecretKeyNotFound,
      "couldn't find key (\\S+ in Secret \\S+)",
      "There is no key %s; the run goes on as soon as there is"),
  SECRET(
      ConditionReason.SecretNotFound,
      "secret \"([^\"]+)\" not found",
      "The Secret %s does not exist in the run's namespace; the run goes on as soon as it is"
          + " created"),
  CONFIG_MAP(
      ConditionReason.ConfigMapNotFound,
      "configmap \"([^\"]+)\" not found",
      "The ConfigMap %s does not exist in the run's namespace; the run goes on as soon as it is"
          + " created"),
  PRIORITY_CLASS(
      ConditionReason.PriorityClassNotFound,
      "no PriorityClass with name (\\S+) was found",
      "The PriorityClass %s, of spec.pod.priorityClassName, does not exist in this cluster; the run"
          + " goes on as soon as it is created, or begin it anew with another"),
  RUNTIME_CLASS(
      ConditionReason.RuntimeClassNotFound,
      "RuntimeClass \"([^\"]+)\" not found",
      "The RuntimeClass %s, of spec.pod.runtimeClassName, does not exist in this cluster; the run"
          + " goes on as soon as it is created, or begin it anew with another"),
  QUEUE(
      ConditionReason.QueueNotFound,
      "LocalQueue (\\S+) doesn't exist",
      "The LocalQueue %s, of spec.queueName, does not exist in the run's namespace; the run goes on"
          + " as soon as it is created, or begin it anew with another");

  private final ConditionReason reason;
  private final Pattern words;
  private final String sentence;

  MissingReference(ConditionReason reason, String words, String sentence) {
    this.reason = reason;
    this.words = Pattern.compile(words, Pattern.CASE_INSENSITIVE);
    this.sentence = sentence;
  }

  /** The cause, or a plainer one where what it says is that something is missing. */
  static Cause explained(Cause cause) {
    return Arrays.stream(values())
        .flatMap(missing -> missing.in(cause.message()).stream())
        .findFirst()
        .orElse(cause);
  }

  private Optional<Cause> in(String message) {
    Matcher found = words.matcher(message);
    return found.find()
        ? Optional.of(new Cause(reason.name(), sentence.formatted(found.group(1))))
        : Optional.empty();
  }
}
