package io.safegrad.local;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.PersistentVolumeBuilder;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaimBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ServiceAccountBuilder;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.authentication.TokenRequest;
import io.fabric8.kubernetes.api.model.authentication.TokenRequestBuilder;
import io.fabric8.kubernetes.api.model.rbac.ClusterRole;
import io.fabric8.kubernetes.api.model.rbac.ClusterRoleBindingBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.safegrad.api.Manifest;
import io.safegrad.api.v1alpha1.SafeFineTune;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** What is installed in the cluster before anything can run in it. */
final class ClusterResources {

  private static final String FIELD_MANAGER = "safegrad-local";
  private static final String CLAIM_SIZE = "10Gi";
  private static final int CRD_SECONDS = 60;
  static final String OPERATOR = "safegrad-operator";
  private static final String OPERATOR_NAMESPACE = "safegrad-system";

  /** A week: no cluster on one machine stays up for longer. */
  private static final long TOKEN_SECONDS = 7 * 24 * 3600;

  private final KubernetesClient client;

  /**
   * @param client has an administrator's rights
   */
  ClusterResources(KubernetesClient client) {
    this.client = client;
  }

  /** Applies one resource. */
  <T extends HasMetadata> T apply(T resource) {
    return client.resource(resource).fieldManager(FIELD_MANAGER).forceConflicts().serverSideApply();
  }

  /** Installs the definitions of SafeFineTune and SafetyPolicy and waits until they are served. */
  void installCrds() {
    installCrd(Manifest.CRD_RESOURCE);
    installCrd(Manifest.POLICY_CRD_RESOURCE);
  }

  /**
   * Installs what refuses ways around a SafetyPolicy. It takes some seconds to come into force.
   *
   * @param folder of manifests
   */
  void installAdmission(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.sorted().toList()) {
        try (InputStream stream = Files.newInputStream(file)) {
          client.load(stream).items().forEach(this::apply);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void installCrd(String resource) {
    try (InputStream stream = SafeFineTune.class.getResourceAsStream(resource)) {
      CustomResourceDefinition crd =
          apply(client.apiextensions().v1().customResourceDefinitions().load(stream).item());
      client
          .resource(crd)
          .waitUntilCondition(ClusterResources::isEstablished, CRD_SECONDS, TimeUnit.SECONDS);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Gives the operator the rights it has in any cluster, and no others.
   *
   * @param roleFile the operator's ClusterRole
   * @return a token of its service account
   */
  String createOperatorAccount(Path roleFile) {
    apply(
        new NamespaceBuilder()
            .withNewMetadata()
            .withName(OPERATOR_NAMESPACE)
            .endMetadata()
            .build());
    apply(
        new ServiceAccountBuilder()
            .withNewMetadata()
            .withName(OPERATOR)
            .withNamespace(OPERATOR_NAMESPACE)
            .endMetadata()
            .build());
    ClusterRole role = apply(client.rbac().clusterRoles().load(roleFile.toFile()).item());
    apply(
        new ClusterRoleBindingBuilder()
            .withNewMetadata()
            .withName(OPERATOR)
            .endMetadata()
            .withNewRoleRef(
                "rbac.authorization.k8s.io", "ClusterRole", role.getMetadata().getName())
            .addNewSubject("", "ServiceAccount", OPERATOR, OPERATOR_NAMESPACE)
            .build());
    TokenRequest request =
        new TokenRequestBuilder()
            .withNewSpec()
            .withExpirationSeconds(TOKEN_SECONDS)
            .endSpec()
            .build();
    return client
        .serviceAccounts()
        .inNamespace(OPERATOR_NAMESPACE)
        .withName(OPERATOR)
        .tokenRequest(request)
        .getStatus()
        .getToken();
  }

  /** Whether the API server serves a definition's kind. */
  static boolean isEstablished(CustomResourceDefinition crd) {
    return crd != null
        && crd.getStatus() != null
        // A status that is just being made has no conditions yet.
        && crd.getStatus().getConditions() != null
        && crd.getStatus().getConditions().stream()
            .anyMatch(it -> it.getType().equals("Established") && it.getStatus().equals("True"));
  }

  /**
   * Makes a namespace with a claim in it.
   *
   * @param path the folder behind the claim
   */
  void createNamespaceWithClaim(String namespace, String claim, Path path) {
    apply(
        new NamespaceBuilder()
            .withNewMetadata()
            .withName(namespace)
            .addToLabels("pod-security.kubernetes.io/enforce", "restricted")
            .endMetadata()
            .build());
    client
        .serviceAccounts()
        .inNamespace(namespace)
        .withName("default")
        .waitUntilCondition(account -> account != null, 1, TimeUnit.MINUTES);
    try {
      Files.createDirectories(path);
    } catch (IOException e) {
      throw new LocalException("cannot write " + path + ": " + e);
    }
    String volume = namespace + "-" + claim;
    apply(
        new PersistentVolumeBuilder()
            .withNewMetadata()
            .withName(volume)
            .endMetadata()
            .withNewSpec()
            .withAccessModes("ReadWriteMany")
            .addToCapacity("storage", new Quantity(CLAIM_SIZE))
            .withNewHostPath(path.toString(), "Directory")
            .withPersistentVolumeReclaimPolicy("Retain")
            .endSpec()
            .build());
    apply(
        new PersistentVolumeClaimBuilder()
            .withNewMetadata()
            .withName(claim)
            .withNamespace(namespace)
            .endMetadata()
            .withNewSpec()
            .withAccessModes("ReadWriteMany")
            .withStorageClassName("")
            .withVolumeName(volume)
            .withNewResources()
            .addToRequests("storage", new Quantity(CLAIM_SIZE))
            .endResources()
            .endSpec()
            .build());
  }
}
