package io.safegrad.local.node;

import java.util.List;
import java.util.Map;

/**
 * What stands in for a container image on this machine.
 *
 * @param entryPoint the program and its first arguments
 * @param environment variables that the image sets
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
