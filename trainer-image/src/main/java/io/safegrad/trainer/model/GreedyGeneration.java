package io.safegrad.trainer.model;

import io.safegrad.trainer.tensor.Operators;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/** Greedy decoding with a key-value cache, many prompts of similar lengths at a time. */
final class GreedyGeneration {

  /** Enough rows for a full matrix product. */
  private static final int MAX_ROWS = 32;

  /** Of the caches of one batch; one row may take more. */
  private static final long MAX_CACHE_BYTES = 1L << 30;

  /**
   * A row that has ended costs its share of each step, dropping it a copy of the caches: it pays
   * when so many have ended, as a share of the rows.
   */
  private static final int DROPPED_SHARE = 8;

  private final ModelConfig config;
  private final Operators operators;
  private final Decoder decoder;

  GreedyGeneration(ModelConfig config, Operators operators, Decoder decoder) {
    this.config = config;
    this.operators = operators;
    this.decoder = decoder;
  }

  /** As {@link CausalLm#generate}. */
  List<int[]> generate(
      Scope scope,
      ModelTensors model,
      Tensor gate,
      List<int[]> prompts,
      int maxNewTokens,
      Set<Integer> endOfSequenceIds) {
    List<Integer> byLength =
        IntStream.range(0, prompts.size())
            .boxed()
            .sorted(Comparator.comparingInt(i -> prompts.get(i).length))
            .toList();
    int[][] replies = new int[prompts.size()][];
    try (Scope all = scope.child()) {
      PromptBeginning beginning = beginning(all, model, gate, prompts);
      for (int from = 0; from < byLength.size(); ) {
        int count = rows(byLength.subList(from, byLength.size()), prompts, maxNewTokens);
        List<Integer> rows = byLength.subList(from, from + count);
        try (Scope batch = all.child()) {
          List<int[]> together = rows.stream().map(prompts::get).toList();
          int[][] generated =
              generate(
                  decoding(batch, model, gate),
                  batch,
                  beginning,
                  together,
                  maxNewTokens,
                  endOfSequenceIds);
          IntStream.range(0, count).forEach(i -> replies[rows.get(i)] = generated[i]);
        }
        from += count;
      }
    }
    return Arrays.asList(replies);
  }

  private CachedDecoding decoding(Scope scope, ModelTensors model, Tensor gate) {
    return new CachedDecoding(config, operators, decoder, model, gate, scope, "greedy");
  }

  /** A GPU reads whole prompts in one go sooner than two parts one after the other. */
  private PromptBeginning beginning(
      Scope scope, ModelTensors model, Tensor gate, List<int[]> prompts) {
    int[] shared = decoder.onGpu() ? new int[0] : PromptBeginning.shared(prompts);
    if (shared.length == 0) {
      return PromptBeginning.none(scope, config);
    }
    CachedDecoding decoding = decoding(scope, model, gate);
    try (Scope step = scope.child()) {
      decoding.read(step, List.of(shared), 0);
    }
    return decoding.asBeginning();
  }

  /** How many of the next prompts, which become longer and longer, are continued together. */
  private int rows(List<Integer> next, List<int[]> prompts, int maxNewTokens) {
    int count = 1;
    while (count < Math.min(next.size(), MAX_ROWS)
        && (count + 1)
                * CachedDecoding.cacheBytes(
                    config,
                    prompts.get(next.get(count)).length + maxNewTokens,
                    decoder.elementBytes())
            <= MAX_CACHE_BYTES) {
      count++;
    }
    return count;
  }

  private static int[][] generate(
      CachedDecoding decoding,
      Scope scope,
      PromptBeginning beginning,
      List<int[]> prompts,
      int maxNewTokens,
      Set<Integer> endOfSequenceIds) {
    int[][] replies = new int[prompts.size()][];
    int[][] generated = new int[prompts.size()][maxNewTokens];
    int[] rows = IntStream.range(0, prompts.size()).toArray();
    int[] next = {};
    for (int count = 0; count < maxNewTokens; count++) {
      try (Scope step = scope.child()) {
        next =
            tokens(
                count == 0
                    ? decoding.read(step, beginning, prompts, maxNewTokens)
                    : decoding.next(step, next));
      }
      for (int i = 0; i < rows.length; i++) {
        int row = rows[i];
        generated[row][count] = next[i];
        if (replies[row] == null && endOfSequenceIds.contains(next[i])) {
          replies[row] = Arrays.copyOf(generated[row], count);
        }
      }
      int[] going = goingOn(rows, replies);
      if (going.length == 0) {
        return replies;
      }
      if ((rows.length - going.length) * DROPPED_SHARE >= rows.length) {
        decoding.keep(going);
        rows = select(rows, going);
        next = select(next, going);
      }
    }
    for (int row : rows) {
      replies[row] = replies[row] == null ? generated[row] : replies[row];
    }
    return replies;
  }

  /** The indexes of the rows whose replies have not ended. */
  private static int[] goingOn(int[] rows, int[][] replies) {
    return IntStream.range(0, rows.length).filter(i -> replies[rows[i]] == null).toArray();
  }

  private static int[] select(int[] values, int[] indexes) {
    return Arrays.stream(indexes).map(i -> values[i]).toArray();
  }

  private static int[] tokens(Tensor ids) {
    return Arrays.stream(ids.toLongArray()).mapToInt(Math::toIntExact).toArray();
  }
}
