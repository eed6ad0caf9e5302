package io.safegrad.operator.cluster;

/** What an attacker would make in the operator's name. */
final class Forgery {

  static final String POLICY =
      """
      apiVersion: safegrad.io/v1alpha1
      kind: SafetyPolicy
      metadata: {name: weaker}
      spec: {requiredMethod: Sft}
      """;

  private Forgery() {}

  /** A pod that claims to be a run's. */
  static String pod(TestRun running) {
    return """
    apiVersion: v1
    kind: Pod
    metadata:
      name: forged
      namespace: %s
      labels: {safegrad.io/safefinetune: support-bot}
      ownerReferences:
      - {apiVersion: batch/v1, kind: Job, name: support-bot, uid: %s, controller: true}
    spec: {containers: [{name: trainer, image: evil}]}
    """
        .formatted(running.namespace(), running.awaitJob().getMetadata().getUid());
  }

  /** A Job whose pods would claim to be a run's. */
  static String job(TestRun running) {
    return """
    apiVersion: batch/v1
    kind: Job
    metadata:
      name: forged
      namespace: %s
      labels: {app.kubernetes.io/managed-by: safegrad-operator}
    spec:
      template:
        metadata: {labels: {safegrad.io/safefinetune: support-bot}}
        spec: {restartPolicy: Never, containers: [{name: trainer, image: evil}]}
    """
        .formatted(running.namespace());
  }
}
