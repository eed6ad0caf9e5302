package io.safegrad.trainer.model;

import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import java.util.HashMap;
import java.util.Map;

/** Cosines and sines of each position embedding of a model, made as far as positions are used. */
final class RotaryTables {

  private static final int STEP = 256;

  /**
   * The tables of one embedding.
   *
   * @param cosines [length, 1, pairs]
   * @param sines the same
   */
  record Table(int length, Tensor cosines, Tensor sines) {}

  private final Scope scope;
  private final Map<RotaryEmbedding, Table> tables = new HashMap<>();

  /**
   * @param scope holds the tables
   */
  RotaryTables(Scope scope) {
    this.scope = scope;
  }

  /** The tables for at least so many positions; valid until more are asked for. */
  Table of(RotaryEmbedding rotary, int length) {
    Table table = tables.get(rotary);
    if (table != null && length <= table.length) {
      return table;
    }
    if (table != null) {
      table.cosines.close();
      table.sines.close();
    }
    int rounded = (length + STEP - 1) / STEP * STEP;
    int pairs = rotary.frequencies().length;
    Table longer =
        new Table(
            rounded,
            scope.float32(rotary.cosines(rounded), rounded, 1, pairs),
            scope.float32(rotary.sines(rounded), rounded, 1, pairs));
    tables.put(rotary, longer);
    return longer;
  }
}
