package io.safegrad.trainer.model;

import io.safegrad.trainer.tensor.Operators;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;

/** Greedy decoding with a key-value cache, many prompts of one length at a time. */
final class GreedyGeneration {

  /** Keeps caches small; more rows gain little. */
  private static final int MAX_ROWS = 32;

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
    Map<Integer, List<Integer>> byLength = new TreeMap<>();
    for (int i = 0; i < prompts.size(); i++) {
      byLength.computeIfAbsent(prompts.get(i).length, length -> new ArrayList<>()).add(i);
    }
    List<int[]> replies = new ArrayList<>(prompts);
    for (List<Integer> sameLength : byLength.values()) {
      for (int from = 0; from < sameLength.size(); from += MAX_ROWS) {
        List<Integer> rows = sameLength.subList(from, Math.min(from + MAX_ROWS, sameLength.size()));
        try (Scope batch = scope.child()) {
          List<int[]> prompt = rows.stream().map(prompts::get).toList();
          Batch generation = new Batch(batch, model, gate, prompt, maxNewTokens, endOfSequenceIds);
          List<int[]> generated = generation.run();
          IntStream.range(0, rows.size()).forEach(i -> replies.set(rows.get(i), generated.get(i)));
        }
      }
    }
    return replies;
  }

  /** Prompts of one length that are continued together. */
  private final class Batch {

    private final Scope scope;
    private final ModelTensors model;
    private final Tensor gate;
    private final int promptLength;
    private final int maxNewTokens;
    private final Set<Integer> endOfSequenceIds;
    private final List<int[]> prompts;
    private final int[][] replies;
    private final List<Tensor> keys = new ArrayList<>();
    private final List<Tensor> values = new ArrayList<>();

    Batch(
        Scope scope,
        ModelTensors model,
        Tensor gate,
        List<int[]> prompts,
        int maxNewTokens,
        Set<Integer> endOfSequenceIds) {
      this.scope = scope;
      this.model = model;
      this.gate = gate;
      this.prompts = prompts;
      this.promptLength = prompts.get(0).length;
      this.maxNewTokens = maxNewTokens;
      this.endOfSequenceIds = endOfSequenceIds;
      this.replies = new int[prompts.size()][];
    }

    List<int[]> run() {
      config.requireSupportedLength(promptLength + maxNewTokens);
      openCaches();
      int[][] generated = new int[prompts.size()][maxNewTokens];
      List<Integer> active = new ArrayList<>();
      IntStream.range(0, prompts.size()).forEach(active::add);
      int[] next = prompts.stream().flatMapToInt(Arrays::stream).toArray();
      for (int count = 0; count < maxNewTokens && !active.isEmpty(); count++) {
        int position = count == 0 ? 0 : promptLength + count - 1;
        long[] tokens = step(next, position, next.length / active.size());
        List<Integer> goingOn = new ArrayList<>();
        for (int i = 0; i < active.size(); i++) {
          int row = active.get(i);
          generated[row][count] = (int) tokens[i];
          if (endOfSequenceIds.contains((int) tokens[i])) {
            replies[row] = Arrays.copyOf(generated[row], count);
          } else {
            goingOn.add(i);
          }
        }
        if (goingOn.size() < active.size() && !goingOn.isEmpty()) {
          keepCaches(goingOn);
        }
        active = new ArrayList<>(goingOn.stream().map(active::get).toList());
        next = goingOn.stream().mapToInt(i -> (int) tokens[i]).toArray();
      }
      active.forEach(row -> replies[row] = generated[row]);
      return List.of(replies);
    }

    private long[] step(int[] ids, int position, int length) {
      try (Scope step = scope.child()) {
        Tensor x = decoder.embed(step, model, decoder.ids(step, ids));
        for (int i = 0; i < config.layers(); i++) {
          Tensor y =
              decoder.decode(step, x, gate, model, i, keys.get(i), values.get(i), position, length);
          x.close();
          x = y;
        }
        LongBuffer tokens =
            operators
                .one(
                    step,
                    "greedy",
                    x,
                    model.norm(),
                    model.head(),
                    length,
                    config.rmsNormEps(),
                    config.normOffset(),
                    config.logitSoftCap())
                .longs();
        long[] copy = new long[tokens.remaining()];
        tokens.get(copy);
        return copy;
      }
    }

    private void openCaches() {
      long[] shape = {
        prompts.size(), config.keyValueHeads(), promptLength + maxNewTokens, config.headDim()
      };
      for (int i = 0; i < config.layers(); i++) {
        keys.add(scope.uninitialised(shape));
        values.add(scope.uninitialised(shape));
      }
    }

    /** Drops the rows of replies that have ended. */
    private void keepCaches(List<Integer> rows) {
      try (Scope step = scope.child()) {
        Tensor kept = step.int64(rows.stream().mapToLong(Integer::longValue).toArray());
        for (List<Tensor> caches : List.of(keys, values)) {
          caches.replaceAll(
              cache -> {
                Tensor smaller = operators.one(scope, "select_rows", cache, kept);
                cache.close();
                return smaller;
              });
        }
      }
    }
  }
}
