package io.safegrad.operator.cluster;

import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.safegrad.api.Manifest;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.operator.Examples;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.UUID;

/** Runs of one namespace, of each of which it is known how it must end. */
final class Batch implements AutoCloseable {

  private static final Duration PATIENCE = Duration.ofMinutes(4);
  private static final int GONE = 404;

  private final KubernetesClient client;
  private final String namespace;
  private final Map<String, Ending> endings = new TreeMap<>();
  private final PlayedTrainers trainers;

  /**
   * @param leastMillis how long a trainer works at least
   * @param mostMillis and at most
   */
  Batch(Cluster cluster, String name, Random random, int leastMillis, int mostMillis) {
    client = cluster.client();
    namespace = name + "-" + UUID.randomUUID().toString().substring(0, 8);
    client
        .resource(
            new NamespaceBuilder()
                .withNewMetadata()
                .withName(namespace)
                .addToLabels("pod-security.kubernetes.io/enforce", "restricted")
                .endMetadata()
                .build())
        .create();
    trainers = new PlayedTrainers(client, namespace, this::ending, random, leastMillis, mostMillis);
  }

  String namespace() {
    return namespace;
  }

  PlayedTrainers trainers() {
    return trainers;
  }

  /** Creates a run with further lines under {@code spec}; returns its name. */
  String create(Ending ending, String... specLines) {
    String name;
    synchronized (endings) {
      name = "run-%03d-%s".formatted(endings.size(), ending.label());
      endings.put(name, ending);
    }
    client
        .resource(
            Manifest.read(
                """
                apiVersion: safegrad.io/v1alpha1
                kind: SafeFineTune
                metadata: {name: %s, namespace: %s}
                spec:
                """
                        .formatted(name, namespace)
                    + Examples.specLines("builtin://tiny-aligned", specLines)))
        .create();
    return name;
  }

  /** Creates as many, of the endings in turn. */
  Batch create(int runs, List<Ending> endings, String... specLines) {
    for (int i = 0; i < runs; i++) {
      create(endings.get(i % endings.size()), specLines);
    }
    return this;
  }

  /** How a run must end; null for one that is not of this batch. */
  Ending ending(String run) {
    synchronized (endings) {
      return endings.get(run);
    }
  }

  Map<String, Ending> endings() {
    synchronized (endings) {
      return Map.copyOf(endings);
    }
  }

  List<SafeFineTune> runs() {
    return client.resources(SafeFineTune.class).inNamespace(namespace).list().getItems();
  }

  /** Waits until every run has ended, or nothing has happened for too long. */
  Batch awaitEnds() throws InterruptedException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (System.nanoTime() < deadline && !haveEnded()) {
      Thread.sleep(200);
    }
    return this;
  }

  boolean jobsHaveEnded() {
    return client.resources(Job.class).inNamespace(namespace).list().getItems().stream()
        .allMatch(job -> job.getStatus() != null && job.getStatus().getCompletionTime() != null);
  }

  private boolean haveEnded() {
    try {
      return runs().stream()
          .allMatch(
              run ->
                  run.getStatus() != null
                      && run.getStatus().phase() != null
                      && run.getStatus().phase().isTerminal());
    } catch (KubernetesClientException e) {
      return false;
    }
  }

  /** Leaves nothing for others to trip over. */
  @Override
  public void close() {
    trainers.close();
    try {
      client.namespaces().withName(namespace).delete();
    } catch (KubernetesClientException e) {
      if (e.getCode() != GONE) {
        throw e;
      }
    }
  }
}
