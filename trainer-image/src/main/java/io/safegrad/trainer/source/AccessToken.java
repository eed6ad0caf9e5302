package io.safegrad.trainer.source;

import java.net.URI;

/**
 * A secret that one server may see.
 *
 * @param origin any address of that server
 */
record AccessToken(URI origin, String value) {

  /** Whether an address is of the same scheme, host and port. */
  boolean isFor(URI address) {
    return address.getScheme().equalsIgnoreCase(origin.getScheme())
        && address.getHost().equalsIgnoreCase(origin.getHost())
        && port(address) == port(origin);
  }

  @Override
  public String toString() {
    return "token for " + origin.getHost();
  }

  private static int port(URI address) {
    if (address.getPort() >= 0) {
      return address.getPort();
    }
    return address.getScheme().equalsIgnoreCase("https") ? 443 : 80;
  }
}
