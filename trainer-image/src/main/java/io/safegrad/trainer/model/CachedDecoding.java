package io.safegrad.trainer.model;

import io.safegrad.trainer.tensor.Operators;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * The model's keys and values of some prompts that are continued together, one token each at a
 * time. Prompts need not be of one length: their ends stand side by side in the caches, so that
 * every new token stands at one position; nothing is computed for what stands before a shorter one,
 * and no token attends to it.
 */
final class CachedDecoding {

  private final ModelConfig config;
  private final Operators operators;
  private final Decoder decoder;
  private final ModelTensors model;
  private final Tensor gate;
  private final Scope scope;
  private final List<Tensor> keys = new ArrayList<>();
  private final List<Tensor> values = new ArrayList<>();
  private final String head;
  private int[] begins;
  private Tensor mask;
  private int position;

  /**
   * @param scope holds the caches
   * @param head the operator that tells something of the next token, {@code greedy} or {@code
   *     last_logits}
   */
  CachedDecoding(
      ModelConfig config,
      Operators operators,
      Decoder decoder,
      ModelTensors model,
      Tensor gate,
      Scope scope,
      String head) {
    this.config = config;
    this.operators = operators;
    this.decoder = decoder;
    this.model = model;
    this.gate = gate;
    this.scope = scope;
    this.head = head;
  }

  /**
   * Bytes of the caches of one row for so many tokens.
   *
   * @param elementBytes of one element
   */
  static long cacheBytes(ModelConfig config, int tokens, int elementBytes) {
    return 2L * config.layers() * config.keyValueWidth() * tokens * elementBytes;
  }

  /** The tokens read until now as what other prompts begin with. */
  PromptBeginning asBeginning() {
    return new PromptBeginning(position, List.copyOf(keys), List.copyOf(values));
  }

  /** Reads whole prompts. */
  Tensor read(Scope results, List<int[]> prompts, int maxNewTokens) {
    return read(results, PromptBeginning.none(scope, config), prompts, maxNewTokens);
  }

  /**
   * Reads prompts. Those of one length are computed at once if they stand side by side.
   *
   * @param results receives what is told
   * @param given what all of them begin with
   * @param prompts token ids, whole, at least one behind what is given
   * @param maxNewTokens how many tokens may follow each
   * @return what the head tells of each prompt's next token
   */
  Tensor read(Scope results, PromptBeginning given, List<int[]> prompts, int maxNewTokens) {
    position = prompts.stream().mapToInt(prompt -> prompt.length).max().orElseThrow();
    begins = prompts.stream().mapToInt(prompt -> position - prompt.length).toArray();
    int capacity = position + maxNewTokens;
    config.requireSupportedLength(capacity);
    long[] shape = {prompts.size(), config.keyValueHeads(), capacity, config.headDim()};
    mask = mask(capacity);
    List<int[]> rest = prompts.stream().map(prompt -> behind(given.tokens(), prompt)).toList();
    int[] ids = rest.stream().flatMapToInt(Arrays::stream).toArray();
    long[] ends = new long[prompts.size()];
    long read = 0;
    for (int i = 0; i < ends.length; i++) {
      read += rest.get(i).length;
      ends[i] = read - 1;
    }
    long[] runs = runs(rest);
    try (Scope step = scope.child()) {
      PlacedBatch placed = decoder.place(step, ids, runs, given.tokens());
      Tensor last = step.int64(ends);
      Tensor x = decoder.embed(step, model, placed.ids());
      for (int i = 0; i < config.layers(); i++) {
        keys.add(operators.one(scope, "new_empty", x, shape));
        values.add(operators.one(scope, "new_empty", x, shape));
        Tensor y =
            decoder.prefill(
                step, x, gate, model, i, keys.get(i), values.get(i), given, placed, position);
        x.close();
        x = y;
      }
      return tell(results, x, last);
    }
  }

  /**
   * Goes on by one token.
   *
   * @param results receives what is told
   * @param tokens one of each row
   * @return what the head tells of each row's next token
   */
  Tensor next(Scope results, int[] tokens) {
    try (Scope step = scope.child()) {
      Map<RotaryEmbedding, RotaryTables.Table> rotations =
          decoder.rotations(
              step, Arrays.stream(begins).mapToLong(begin -> position - begin).toArray());
      Tensor all = step.int64(IntStream.range(0, tokens.length).asLongStream().toArray());
      Tensor x = decoder.embed(step, model, decoder.ids(step, tokens));
      for (int i = 0; i < config.layers(); i++) {
        Tensor y =
            decoder.decode(
                step, x, gate, model, i, keys.get(i), values.get(i), rotations, mask, position);
        x.close();
        x = y;
      }
      position++;
      return tell(results, x, all);
    }
  }

  /** Drops all rows but some. */
  void keep(int[] rows) {
    begins = Arrays.stream(rows).map(row -> begins[row]).toArray();
    try (Scope step = scope.child()) {
      Tensor kept = step.int64(Arrays.stream(rows).asLongStream().toArray());
      keys.replaceAll(cache -> select(cache, kept));
      values.replaceAll(cache -> select(cache, kept));
      if (mask.size() > 0) {
        mask = select(mask, kept);
      }
    }
  }

  private Tensor select(Tensor rows, Tensor kept) {
    Tensor fewer = operators.one(scope, "select_rows", rows, kept);
    rows.close();
    return fewer;
  }

  private Tensor tell(Scope results, Tensor x, Tensor positions) {
    return operators.one(
        results,
        head,
        x,
        model.norm(),
        model.head(),
        positions,
        config.rmsNormEps(),
        config.normOffset(),
        config.logitSoftCap());
  }

  private Tensor mask(int capacity) {
    if (Arrays.stream(begins).allMatch(begin -> begin == 0)) {
      return scope.uninitialised(0);
    }
    float[] added = new float[begins.length * capacity];
    for (int row = 0; row < begins.length; row++) {
      int first = row * capacity;
      Arrays.fill(added, first, first + begins[row], Float.NEGATIVE_INFINITY);
    }
    return scope.float32(added, begins.length, 1, 1, capacity);
  }

  private static int[] behind(int tokens, int[] prompt) {
    return Arrays.copyOfRange(prompt, tokens, prompt.length);
  }

  /** How many prompts of which length, again and again. */
  private static long[] runs(List<int[]> prompts) {
    List<long[]> runs = new ArrayList<>();
    for (int[] prompt : prompts) {
      long[] last = runs.isEmpty() ? null : runs.get(runs.size() - 1);
      if (last != null && last[1] == prompt.length) {
        last[0]++;
      } else {
        runs.add(new long[] {1, prompt.length});
      }
    }
    return runs.stream().flatMapToLong(Arrays::stream).toArray();
  }
}
