package io.safegrad.trainer.surgery;

import static io.safegrad.trainer.surgery.DefinedSurgery.cosine;
import static io.safegrad.trainer.surgery.DefinedSurgery.distance;
import static io.safegrad.trainer.surgery.DefinedSurgery.dot;
import static io.safegrad.trainer.surgery.DefinedSurgery.doubles;
import static io.safegrad.trainer.surgery.DefinedSurgery.norm;
import static io.safegrad.trainer.surgery.DefinedSurgery.projectOff;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.safegrad.trainer.surgery.GradientSurgery.Observation;
import io.safegrad.trainer.surgery.GradientSurgery.Projection;
import io.safegrad.trainer.tensor.Scalars;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.tensor.Torch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the user's gradient loses along earlier alignment gradients. */
class EarlierAlignmentsTest {

  private static final int SIZE = 200;

  private final Torch torch = Torch.open();
  private final Random random = new Random(5);

  @AfterEach
  void close() {
    torch.close();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 8, 32})
  void itIsWhatTheDefinitionSays(int earlier) {
    for (double weight : new double[] {0, 1, 0.3}) {
      float[] user = random();
      List<float[]> alignments = related(earlier + 1);
      double[] defined = DefinedSurgery.of(user, alignments, weight);
      float[] combined = combined(Projection.GLOBAL, weight, user, alignments);
      for (int i = 0; i < SIZE; i++) {
        assertThat((double) combined[i]).isCloseTo(defined[i], within(2e-5));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Projection.class)
  void withoutEarlierOnesItIsTheSameBitForBit(Projection projection) {
    float[] user = random();
    float[] alignment = opposed(user);
    List<Tensor> plain = vector(user);
    Observation observed =
        new GradientSurgery(projection, 0.7)
            .combine(scalars(), List.of(plain), List.of(vector(alignment)));
    // Those that are zero, as at the start, count as none.
    List<float[]> withZeros = List.of(new float[SIZE], new float[SIZE], alignment);
    List<Tensor> beside = vector(user);
    assertThat(combine(projection, 0.7, List.of(beside), groups(withZeros))).isEqualTo(observed);
    assertThat(values(beside)).isEqualTo(values(plain));
    assertThat(combined(projection, 0.7, user, List.of(alignment))).isEqualTo(values(plain));
  }

  @Test
  void withoutProjectionEarlierOnesDoNothing() {
    float[] user = random();
    float[] alignment = random();
    assertThat(combined(Projection.NONE, 2, user, List.of(opposed(user), alignment)))
        .isEqualTo(combined(Projection.NONE, 2, user, List.of(alignment)));
  }

  @Test
  void whatOpposesNoneIsNotChanged() {
    float[] user = random();
    List<float[]> agreeing = Stream.generate(() -> mirrored(opposed(user))).limit(9).toList();
    List<Tensor> left = vector(user);
    Observation observed = combine(Projection.GLOBAL, 0, List.of(left), groups(agreeing));
    assertThat(values(left)).isEqualTo(user);
    assertThat(observed.projectedGroups()).isZero();
    assertThat(observed.conflict()).isFalse();
  }

  /** What it says of conflict is of the newest gradient, and of the user's before anything. */
  @Test
  void anEarlierOneMayBeOpposedWhereTheNewestIsNot() {
    float[] user = {-1, 2, 0, 0};
    List<float[]> alignments = List.of(new float[] {1, 0, 0, 0}, new float[] {0, 1, 0, 0});
    List<Tensor> left = vector(user);
    Observation observed = combine(Projection.GLOBAL, 0, List.of(left), groups(alignments));
    assertThat(observed.conflict()).isFalse();
    assertThat(observed.dotProduct()).isEqualTo(2);
    assertThat(observed.userNorm()).isCloseTo(Math.sqrt(5), within(1e-12));
    assertThat(observed.weight()).isZero();
    assertThat(observed.projectedGroups()).isEqualTo(1);
    assertThat(values(left)).containsExactly(0, 2, 0, 0);
  }

  @Test
  void afterwardsTheNewestIsNotOpposedAndThoseThatOpposeNoneAreNearer() {
    for (int round = 0; round < 20; round++) {
      float[] user = random();
      List<float[]> alignments = related(9);
      float[] left = combined(Projection.GLOBAL, 0, user, alignments);
      assertThat(cosine(left, alignments.get(8))).isGreaterThan(-1e-6);
      assertThat(norm(left)).isLessThanOrEqualTo(norm(user) * (1 + 1e-6));
      double[] opposesNone = doubles(random());
      for (int turn = 0; turn < 1000; turn++) {
        alignments.forEach(each -> projectOff(opposesNone, doubles(each)));
      }
      assertThat(distance(left, opposesNone))
          .isLessThanOrEqualTo(distance(user, opposesNone) * (1 + 1e-6));
    }
  }

  /** Directions at right angles do not undo each other's projection. */
  @Test
  void thoseAtRightAnglesAreNotOpposedWhateverTheirOrder() {
    float[] user = random();
    List<float[]> alignments = new ArrayList<>();
    for (int i = 0; i < 9; i++) {
      float[] alignment = new float[SIZE];
      for (int j = i; j < SIZE; j += 9) {
        alignment[j] = (float) random.nextGaussian();
      }
      alignments.add(alignment);
    }
    float[] left = combined(Projection.GLOBAL, 0, user, alignments);
    for (float[] alignment : alignments) {
      double before = cosine(user, alignment);
      if (before < 0) {
        assertThat(cosine(left, alignment)).isCloseTo(0, within(1e-6));
      } else {
        assertThat(cosine(left, alignment)).isPositive();
      }
    }
    Collections.reverse(alignments);
    assertThat(combined(Projection.GLOBAL, 0, user, alignments))
        .containsExactly(left, within(1e-5f));
  }

  /** As with an alignment set of one batch and a model that hardly moves. */
  @Test
  void thoseThatAreTheSameOneCountAsOne() {
    float[] user = random();
    float[] alignment = opposed(user);
    float[] once = combined(Projection.GLOBAL, 1, user, List.of(alignment));
    float[] nineTimes = combined(Projection.GLOBAL, 1, user, Collections.nCopies(9, alignment));
    assertThat(nineTimes).containsExactly(once, within(1e-5f));

    // Of three vectors two span the third.
    float[] other = random();
    float[] sum = new float[SIZE];
    for (int i = 0; i < SIZE; i++) {
      sum[i] = alignment[i] + other[i];
    }
    float[] left = combined(Projection.GLOBAL, 0, user, List.of(other, sum, alignment));
    assertThat(norm(left)).isBetween(0.1 * norm(user), norm(user));
    assertThat(cosine(left, alignment)).isCloseTo(0, within(1e-6));
  }

  @Test
  void oneThatIsNearlyZeroHasNoDirection() {
    float[] user = {-1, 2, 0, 0};
    float[] nearlyZero = {3e-5f, 0, 0, 0};
    float[] newest = {0, 1, 0, 0};
    assertThat(combined(Projection.GLOBAL, 0, user, List.of(nearlyZero, newest)))
        .containsExactly(user);
  }

  @Test
  void perGroupEachIsProjectedForItself() {
    List<float[]> user = List.of(random(), random(), random());
    List<List<float[]>> alignments =
        List.of(related(5), related(5), Collections.nCopies(5, new float[SIZE]));
    List<List<Tensor>> left = user.stream().map(this::vector).toList();
    List<List<List<Tensor>>> byGradient =
        IntStream.range(0, 5)
            .mapToObj(i -> alignments.stream().map(group -> vector(group.get(i))).toList())
            .toList();
    Observation observed = combine(Projection.PER_GROUP, 0.5, left, byGradient);
    for (int group = 0; group < 3; group++) {
      double[] defined = DefinedSurgery.of(user.get(group), alignments.get(group), 0.5);
      float[] found = values(left.get(group));
      for (int i = 0; i < SIZE; i++) {
        assertThat((double) found[i]).isCloseTo(defined[i], within(2e-5));
      }
    }
    assertThat(observed.projectedGroups()).isBetween(1, 2);
    assertThat(observed.weight()).isNull();
  }

  /** One by one as a run gets them, and all at once as one that is resumed has them. */
  @Test
  void productsThatAreKeptAreThoseThatWouldBeComputed() {
    List<float[]> all = related(12);
    List<List<List<Tensor>>> kept = new ArrayList<>(groups(all.subList(0, 4)));
    GramMatrix gram = new GramMatrix(1, 4);
    for (int next = 4; next < 12; next++) {
      float[] user = random();
      GramMatrix fresh = new GramMatrix(1, 4);
      List<Tensor> left = vector(user);
      List<Tensor> beside = vector(user);
      Observation observed =
          new GradientSurgery(Projection.GLOBAL, 1).combine(scalars(), List.of(left), kept, gram);
      assertThat(
              new GradientSurgery(Projection.GLOBAL, 1)
                  .combine(scalars(), List.of(beside), kept, fresh))
          .isEqualTo(observed);
      assertThat(values(left)).isEqualTo(values(beside));
      assertThat(gram.of(0)).isDeepEqualTo(fresh.of(0));
      kept.remove(0);
      kept.add(List.of(vector(all.get(next))));
      gram.replaceFirst();
    }
  }

  private float[] combined(
      Projection projection, double weight, float[] user, List<float[]> alignments) {
    List<Tensor> left = vector(user);
    combine(projection, weight, List.of(left), groups(alignments));
    return values(left);
  }

  private Observation combine(
      Projection projection,
      double weight,
      List<List<Tensor>> user,
      List<List<List<Tensor>>> alignments) {
    return new GradientSurgery(projection, weight)
        .combine(scalars(), user, alignments, new GramMatrix(user.size(), alignments.size()));
  }

  private Scalars scalars() {
    return new Scalars(torch.operators(), torch.scope());
  }

  private List<List<List<Tensor>>> groups(List<float[]> alignments) {
    return alignments.stream().map(each -> List.of(vector(each))).toList();
  }

  /** In two tensors. */
  private List<Tensor> vector(float[] values) {
    int half = values.length / 2;
    float[] first = Arrays.copyOf(values, half);
    float[] second = Arrays.copyOfRange(values, half, values.length);
    return List.of(
        torch.scope().float32(first, first.length), torch.scope().float32(second, second.length));
  }

  private static float[] values(List<Tensor> vector) {
    float[] first = vector.get(0).toFloatArray();
    float[] second = vector.get(1).toFloatArray();
    float[] values = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, values, first.length, second.length);
    return values;
  }

  private float[] random() {
    float[] values = new float[SIZE];
    for (int i = 0; i < SIZE; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  /** Gradients that have much in common, of unlike lengths. */
  private List<float[]> related(int count) {
    float[] common = random();
    return Stream.generate(
            () -> {
              float[] values = random();
              float length = (float) Math.exp(random.nextGaussian());
              for (int i = 0; i < SIZE; i++) {
                values[i] = length * (common[i] + values[i]);
              }
              return values;
            })
        .limit(count)
        .toList();
  }

  private float[] opposed(float[] user) {
    float[] values = random();
    return dot(doubles(values), doubles(user)) < 0 ? values : mirrored(values);
  }

  private static float[] mirrored(float[] values) {
    float[] mirrored = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      mirrored[i] = -values[i];
    }
    return mirrored;
  }
}
