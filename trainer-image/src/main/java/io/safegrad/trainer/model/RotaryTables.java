package io.safegrad.trainer.model;

import io.safegrad.trainer.tensor.Operators;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** Cosines and sines of each position embedding of a model, made as far as positions are used. */
final class RotaryTables {

  private static final int STEP = 256;

  /**
   * Rows of one embedding's tables.
   *
   * @param cosines [rows, 1, pairs]
   * @param sines the same
   */
  record Table(Tensor cosines, Tensor sines) {}

  private final Operators operators;
  private final Set<RotaryEmbedding> embeddings;
  private final Scope scope;
  private final Map<RotaryEmbedding, Table> tables = new HashMap<>();
  private int length;

  /**
   * @param scope holds the tables
   */
  RotaryTables(ModelConfig config, Operators operators, Scope scope) {
    this.operators = operators;
    this.embeddings =
        config.attention().stream()
            .map(ModelConfig.LayerAttention::rotary)
            .collect(Collectors.toCollection(HashSet::new));
    this.scope = scope;
  }

  /** The rows of each embedding's tables for tokens that stand at some positions. */
  Map<RotaryEmbedding, Table> at(Scope results, long[] positions) {
    reach(1 + (int) Arrays.stream(positions).max().orElse(-1));
    try (Tensor rows = scope.int64(positions)) {
      Map<RotaryEmbedding, Table> found = new HashMap<>();
      tables.forEach(
          (embedding, table) ->
              found.put(
                  embedding,
                  new Table(
                      operators.one(results, "select_rows", table.cosines, rows),
                      operators.one(results, "select_rows", table.sines, rows))));
      return found;
    }
  }

  private void reach(int positions) {
    if (positions <= length) {
      return;
    }
    tables
        .values()
        .forEach(
            table -> {
              table.cosines.close();
              table.sines.close();
            });
    length = (positions + STEP - 1) / STEP * STEP;
    for (RotaryEmbedding embedding : embeddings) {
      int pairs = embedding.frequencies().length;
      tables.put(
          embedding,
          new Table(
              scope.float32(embedding.cosines(length), length, 1, pairs),
              scope.float32(embedding.sines(length), length, 1, pairs)));
    }
  }
}
