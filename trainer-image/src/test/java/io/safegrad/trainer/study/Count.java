package io.safegrad.trainer.study;

import io.safegrad.api.Measurement;

/** So many of so many. */
record Count(int hits, int of) {

  static final Count NONE = new Count(0, 0);

  static Count of(Measurement measured) {
    return new Count((int) Math.round(measured.rate() * measured.count()), measured.count());
  }

  Count plus(Count other) {
    return new Count(hits + other.hits, of + other.of);
  }

  /** The share with its interval. */
  Measurement measurement() {
    return Measurement.of(hits, of);
  }

  double rate() {
    return (double) hits / of;
  }
}
