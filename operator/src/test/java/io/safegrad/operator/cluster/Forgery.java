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

  /** What lets any pod pass the restricted standard, as kubectl's overrides. */
  static final String RESTRICTED =
      """
      {"apiVersion": "v1", "spec": {
        "securityContext": {"runAsNonRoot": true, "runAsUser": 1000,
          "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{"name": "forged", "image": "evil", "securityContext": {
          "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}}]}}
      """;

  private static final String SPEC =
      """
      securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}
      containers:
      - name: trainer
        image: evil
        securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
      """;

  private Forgery() {}

  /** A pod that reads what is kept for the auditor. */
  static String reader(TestRun running) {
    return """
    apiVersion: v1
    kind: Pod
    metadata: {name: reader, namespace: %s}
    spec:
    %s  volumes: [{name: kept, persistentVolumeClaim: {claimName: quarantine}}]
    """
        .formatted(running.namespace(), SPEC.indent(2));
  }

  /** A claim that is made a copy of what is kept for the auditor. */
  static String copy(TestRun running) {
    return """
    apiVersion: v1
    kind: PersistentVolumeClaim
    metadata: {name: copy, namespace: %s}
    spec:
      accessModes: [ReadWriteOnce]
      resources: {requests: {storage: 1Gi}}
      dataSource: {kind: PersistentVolumeClaim, name: quarantine}
    """
        .formatted(running.namespace());
  }

  /** A pod that claims to be a run's, in the hands of its Job. */
  static String pod(TestRun running) {
    return pod(running, "batch/v1", "Job", TestRun.NAME);
  }

  /** The same in the hands of something else, whose template anybody may write. */
  static String pod(TestRun running, String apiVersion, String kind, String owner) {
    return """
    apiVersion: v1
    kind: Pod
    metadata:
      name: forged
      namespace: %s
      labels: {safegrad.io/safefinetune: support-bot}
      ownerReferences:
      - {apiVersion: %s, kind: %s, name: %s, uid: %s, controller: true}
    spec:
    %s  volumes: [{name: kept, persistentVolumeClaim: {claimName: quarantine}}]
    """
        .formatted(
            running.namespace(),
            apiVersion,
            kind,
            owner,
            running.awaitJob().getMetadata().getUid(),
            SPEC.indent(2));
  }

  /** A Job whose pods would claim to be a run's, and read what is kept for the auditor. */
  static String job(TestRun running, String labels) {
    return """
    apiVersion: batch/v1
    kind: Job
    metadata:
      name: forged
      namespace: %s
      labels: {%s}
    spec:
      template:
        metadata: {labels: {safegrad.io/safefinetune: support-bot}}
        spec: {restartPolicy: Never, containers: [{name: trainer, image: evil}]}
    """
        .formatted(running.namespace(), labels);
  }
}
