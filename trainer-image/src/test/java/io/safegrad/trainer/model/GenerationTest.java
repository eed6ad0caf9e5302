package io.safegrad.trainer.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.safegrad.api.v1alpha1.Training.Mode;
import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.data.TokenizedExample;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

class GenerationTest {

  private static final int NEW_TOKENS = 12;

  private final CausalLm model = Golden.of("llama").loadWithAdapter(Golden.training(Mode.Lora, 1));

  @AfterEach
  void close() {
    model.close();
  }

  @Test
  void theCacheChangesNothing() {
    int[] prompt = {5, 17, 60, 2};
    int[] tokens = prompt;
    for (int i = 0; i < NEW_TOKENS; i++) {
      tokens = Arrays.copyOf(tokens, tokens.length + 1);
      tokens[tokens.length - 1] = mostLikely(Arrays.copyOf(tokens, tokens.length - 1));
    }
    assertThat(model.generate(List.of(prompt), NEW_TOKENS, Set.of()).get(0))
        .isEqualTo(Arrays.copyOfRange(tokens, prompt.length, tokens.length));
  }

  @Test
  void aBatchGivesEachPromptItsOwnReplyInOrder() {
    Random random = new Random(1);
    List<int[]> prompts = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      prompts.add(random.ints(i < 35 ? 5 : 3 + i % 2, 0, 96).toArray());
    }
    List<int[]> together = model.generate(prompts, NEW_TOKENS, Set.of());
    for (int i = 0; i < prompts.size(); i++) {
      assertThat(together.get(i))
          .isEqualTo(model.generate(List.of(prompts.get(i)), NEW_TOKENS, Set.of()).get(0));
    }
  }

  /** Lengths differ, so rows begin at different places of the caches; rows leave as they end. */
  @ParameterizedTest
  @FieldSource("io.safegrad.trainer.model.Golden#FAMILIES")
  void promptsOfManyLengthsAreAnsweredAsOneByOne(String family) {
    try (CausalLm each = Golden.of(family).loadWithAdapter(Golden.training(Mode.Lora, 1))) {
      Random random = new Random(2);
      List<int[]> prompts = new ArrayList<>();
      for (int i = 0; i < 24; i++) {
        prompts.add(random.ints(1 + random.nextInt(14), 0, 96).toArray());
      }
      List<int[]> open = each.generate(prompts, NEW_TOKENS, Set.of());
      Set<Integer> ends = Set.of(open.get(0)[2], open.get(5)[6], open.get(9)[0]);
      List<int[]> together = each.generate(prompts, NEW_TOKENS, ends);
      for (int i = 0; i < prompts.size(); i++) {
        List<int[]> one = List.of(prompts.get(i));
        assertThat(open.get(i)).isEqualTo(each.generate(one, NEW_TOKENS, Set.of()).get(0));
        assertThat(together.get(i)).isEqualTo(each.generate(one, NEW_TOKENS, ends).get(0));
      }
      assertThat(together.stream().mapToInt(reply -> reply.length).distinct().count())
          .as("replies of different lengths")
          .isGreaterThan(2);
    }
  }

  /** What all begin with is read once; one of them is nothing more than that and one token. */
  @ParameterizedTest
  @FieldSource("io.safegrad.trainer.model.Golden#FAMILIES")
  void promptsThatBeginAlikeAreAnsweredAsOneByOne(String family) {
    try (CausalLm each = Golden.of(family).loadWithAdapter(Golden.training(Mode.Lora, 1))) {
      Random random = new Random(3);
      int[] beginning = random.ints(11, 0, 96).toArray();
      List<int[]> prompts = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        int[] rest = random.ints(1 + i % 7, 0, 96).toArray();
        prompts.add(IntStream.concat(IntStream.of(beginning), IntStream.of(rest)).toArray());
      }
      assertThat(PromptBeginning.shared(prompts)).isEqualTo(beginning);
      List<int[]> together = each.generate(prompts, NEW_TOKENS, Set.of());
      for (int i = 0; i < prompts.size(); i++) {
        assertThat(together.get(i))
            .isEqualTo(each.generate(List.of(prompts.get(i)), NEW_TOKENS, Set.of()).get(0));
      }
    }
  }

  @Test
  void aSharedBeginningLeavesATokenOfEachPrompt() {
    int[] ten = IntStream.range(0, 10).toArray();
    int[] twelve = IntStream.range(0, 12).toArray();
    assertThat(PromptBeginning.shared(List.of(twelve, ten))).isEqualTo(Arrays.copyOf(ten, 9));
    assertThat(PromptBeginning.shared(List.of(ten, ten))).isEqualTo(Arrays.copyOf(ten, 9));
    assertThat(PromptBeginning.shared(List.of(Arrays.copyOf(ten, 8), ten))).isEmpty();
    assertThat(PromptBeginning.shared(List.of(ten))).isEmpty();
  }

  @Test
  void replyEndsBeforeAnEndOfSequenceToken() {
    List<int[]> prompts = List.of(new int[] {1, 2, 3}, new int[] {9, 8, 7}, new int[] {50, 60, 70});
    List<int[]> open = model.generate(prompts, NEW_TOKENS, Set.of());
    int end = open.get(0)[3];
    List<int[]> ended = model.generate(prompts, NEW_TOKENS, Set.of(end));
    for (int i = 0; i < prompts.size(); i++) {
      assertThat(ended.get(i)).isEqualTo(before(open.get(i), end));
    }
    assertThat(ended.get(0)).hasSizeLessThan(NEW_TOKENS);
  }

  @Test
  void noPromptsGiveNoReplies() {
    assertThat(model.generate(List.of(), NEW_TOKENS, Set.of())).isEmpty();
  }

  private int mostLikely(int[] tokens) {
    Batch batch = Batch.of(List.of(new TokenizedExample(tokens, tokens, 1)));
    float[] logits = model.losses().logits(batch).values();
    int vocabulary = model.config().vocabSize();
    int last = (tokens.length - 1) * vocabulary;
    int best = 0;
    for (int i = 1; i < vocabulary; i++) {
      best = logits[last + i] > logits[last + best] ? i : best;
    }
    return best;
  }

  private static int[] before(int[] tokens, int end) {
    for (int i = 0; i < tokens.length; i++) {
      if (tokens[i] == end) {
        return Arrays.copyOf(tokens, i);
      }
    }
    return tokens;
  }
}
