package io.safegrad.api.v1alpha1;

/** The forms of the addresses that models and data are read from and results are written to. */
final class Sources {

  static final String WRITABLE = "^(file:///.+|pvc://[a-z0-9]([a-z0-9.-]*[a-z0-9])?/.+)$";
  static final String READABLE =
      "^(builtin://[a-z0-9-]+|file:///.+|pvc://[a-z0-9]([a-z0-9.-]*[a-z0-9])?/.+)$";

  private Sources() {}
}
