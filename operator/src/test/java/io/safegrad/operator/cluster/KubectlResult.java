package io.safegrad.operator.cluster;

import io.safegrad.controlplane.ControlPlane;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** What one run of kubectl printed, and its exit code. */
record KubectlResult(int exitCode, String output) {

  static KubectlResult of(ControlPlane controlPlane, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(controlPlane.kubectl().toString()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("KUBECONFIG", controlPlane.kubeconfig().toString());
    Process process = builder.start();
    process.getOutputStream().close();
    String output =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    return new KubectlResult(process.waitFor(), output);
  }
}
