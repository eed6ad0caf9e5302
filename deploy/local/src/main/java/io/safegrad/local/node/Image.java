package io.safegrad.local.node;

import java.util.List;
import java.util.Map;

/**
 * What stands in for a container image on this machine.
 *
 * @param entryPoint the program and its first arguments
 * @param environment variables that the image sets; {@code $(POD_IP)} in a value stands for the
 *     pod's address, as there is no network of the pod's own in which it could listen everywhere
 */
public record Image(List<String> entryPoint, Map<String, String> environment) {

  public Image {
    entryPoint = List.copyOf(entryPoint);
    environment = Map.copyOf(environment);
  }

  /** An image that sets no variables. */
  public static Image of(String... entryPoint) {
    return new Image(List.of(entryPoint), Map.of());
  }
}
