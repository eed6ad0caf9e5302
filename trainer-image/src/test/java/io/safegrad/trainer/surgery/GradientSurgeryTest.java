package io.safegrad.trainer.surgery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.safegrad.trainer.surgery.GradientSurgery.Observation;
import io.safegrad.trainer.surgery.GradientSurgery.Projection;
import io.safegrad.trainer.tensor.Scalars;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.tensor.Torch;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class GradientSurgeryTest {

  private final Torch torch = Torch.open();
  private final Random random = new Random(3);

  @AfterEach
  void close() {
    torch.close();
  }

  @Test
  void withoutConflictNothingIsRemoved() {
    List<Tensor> user = vector(1, 2, 3);
    Observation observed = combine(Projection.GLOBAL, 0.5, user, vector(2, 0, 4));
    assertThat(observed.conflict()).isFalse();
    assertThat(observed.dotProduct()).isEqualTo(14);
    assertThat(observed.weight()).isEqualTo(0.5);
    assertThat(user.get(0).toFloatArray()).containsExactly(2, 2, 5);
  }

  @Test
  void onConflictThePartAlongTheAlignmentGradientIsRemoved() {
    for (int round = 0; round < 20; round++) {
      List<Tensor> user = List.of(random(1000), random(77));
      List<Tensor> alignment = List.of(random(1000), random(77));
      Observation observed = combine(Projection.GLOBAL, 0, user, alignment);
      double after = dot(user, alignment) / Math.sqrt(dot(user, user) * dot(alignment, alignment));
      if (observed.conflict()) {
        assertThat(observed.cosine()).isNegative();
        assertThat(after).isCloseTo(0, within(1e-6));
      } else {
        assertThat(after).isCloseTo(observed.cosine(), within(1e-6));
      }
    }
  }

  @Test
  void theProjectionIsGlobalNotPerParameter() {
    // The first parameter conflicts on its own, all together do not.
    List<Tensor> user = List.of(tensor(-1), tensor(3));
    Observation observed = combine(Projection.GLOBAL, 1, user, List.of(tensor(1), tensor(1)));
    assertThat(observed.conflict()).isFalse();
    assertThat(user.get(0).toFloatArray()).containsExactly(0);
    assertThat(user.get(1).toFloatArray()).containsExactly(4);
  }

  @Test
  void theAlignmentGradientIsNeverAltered() {
    List<Tensor> alignment = vector(-1, 0, 2);
    combine(Projection.GLOBAL, 1, vector(5, 1, 0), alignment);
    assertThat(alignment.get(0).toFloatArray()).containsExactly(-1, 0, 2);
  }

  @Test
  void weightedSumReportsTheConflictAndRemovesNothing() {
    List<Tensor> user = vector(5, 1, 0);
    Observation observed = combine(Projection.NONE, 2, user, vector(-1, 0, 2));
    assertThat(observed.conflict()).isTrue();
    assertThat(observed.weight()).isEqualTo(2);
    assertThat(user.get(0).toFloatArray()).containsExactly(3, 1, 4);
  }

  @Test
  void perGroupNoGroupOpposesTheAlignmentGradientAfterwards() {
    for (int round = 0; round < 20; round++) {
      List<List<Tensor>> user = groups(5);
      List<List<Tensor>> alignment = groups(5);
      List<Double> before = dots(user, alignment);
      Observation observed =
          new GradientSurgery(Projection.PER_GROUP, 0)
              .combine(new Scalars(torch.operators(), torch.scope()), user, alignment);

      List<Double> after = dots(user, alignment);
      for (int i = 0; i < after.size(); i++) {
        assertThat(after.get(i)).isCloseTo(Math.max(0, before.get(i)), within(1e-4));
      }
      assertThat(observed.projectedGroups())
          .isEqualTo((int) before.stream().filter(dot -> dot < 0).count());
      double all = before.stream().mapToDouble(dot -> dot).sum();
      assertThat(observed.dotProduct()).isCloseTo(all, within(1e-6));
      assertThat(observed.conflict()).isEqualTo(all < 0);
      assertThat(observed.weight()).isNull();
    }
  }

  @Test
  void perGroupProjectsWhatGlobalDoesNotSee() {
    List<Tensor> user = List.of(tensor(-1), tensor(3));
    List<Tensor> alignment = List.of(tensor(1), tensor(1));
    Observation observed =
        new GradientSurgery(Projection.PER_GROUP, 1)
            .combine(
                new Scalars(torch.operators(), torch.scope()),
                user.stream().map(List::of).toList(),
                alignment.stream().map(List::of).toList());
    assertThat(observed.conflict()).isFalse();
    assertThat(observed.projectedGroups()).isEqualTo(1);
    assertThat(user.get(0).toFloatArray()).containsExactly(1);
    assertThat(user.get(1).toFloatArray()).containsExactly(4);
  }

  private List<List<Tensor>> groups(int count) {
    return Stream.generate(() -> List.of(random(50), random(7))).limit(count).toList();
  }

  private List<Double> dots(List<List<Tensor>> a, List<List<Tensor>> b) {
    return IntStream.range(0, a.size()).mapToObj(i -> dot(a.get(i), b.get(i))).toList();
  }

  @Test
  void anAlignmentGradientThatIsNearlyZeroProjectsNothing() {
    List<Tensor> user = vector(-1, 0, 0);
    Observation observed = combine(Projection.GLOBAL, 1, user, vector(3e-5f, 0, 0));
    assertThat(observed.conflict()).isFalse();
    assertThat(observed.weight()).isEqualTo(1);
    Observation zero = combine(Projection.GLOBAL, 1, vector(1, 2, 3), vector(0, 0, 0));
    assertThat(zero.cosine()).isZero();
    assertThat(zero.conflict()).isFalse();
  }

  @Test
  void theWeightIsNotClipped() {
    List<Tensor> user = vector(-1, 1, 0);
    Observation observed = combine(Projection.GLOBAL, 1, user, vector(1e-4f, 0, 0));
    assertThat(observed.weight()).isCloseTo(10001, within(1.0));
    assertThat(user.get(0).toFloatArray()[0]).isCloseTo(1e-4f, within(1e-6f));
  }

  private Observation combine(
      Projection projection, double weight, List<Tensor> user, List<Tensor> alignment) {
    return new GradientSurgery(projection, weight)
        .combine(new Scalars(torch.operators(), torch.scope()), List.of(user), List.of(alignment));
  }

  private double dot(List<Tensor> a, List<Tensor> b) {
    return torch.operators().one(torch.scope(), "dot", a, b).item();
  }

  private List<Tensor> vector(float... values) {
    return List.of(tensor(values));
  }

  private Tensor tensor(float... values) {
    return torch.scope().float32(values, values.length);
  }

  private Tensor random(int size) {
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return tensor(values);
  }
}
