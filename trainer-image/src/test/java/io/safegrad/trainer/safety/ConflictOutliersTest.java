package io.safegrad.trainer.safety;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ConflictOutliersTest {

  private final Random random = new Random(1);

  @ParameterizedTest
  @ValueSource(ints = {1, 4, 40, 200})
  void aGroupThatStandsApartIsCondemned(int group) {
    double[] conflicts =
        DoubleStream.concat(
                DoubleStream.generate(() -> 0.2 * random.nextGaussian()).limit(400 - group),
                DoubleStream.generate(() -> 10 + random.nextGaussian()).limit(group))
            .toArray();

    double threshold = ConflictOutliers.threshold(conflicts).orElseThrow();

    assertThat(DoubleStream.of(conflicts).filter(each -> each > threshold).count())
        .isEqualTo(group);
  }

  @Test
  void theTailOfOneGroupIsNot() {
    assertThat(
            ConflictOutliers.threshold(
                DoubleStream.generate(random::nextGaussian).limit(10_000).toArray()))
        .isEmpty();
    assertThat(
            ConflictOutliers.threshold(
                DoubleStream.generate(() -> -Math.log(1 - random.nextDouble()))
                    .limit(10_000)
                    .toArray()))
        .isEmpty();
  }

  @Test
  void aGroupBelowZeroIsNot() {
    assertThat(ConflictOutliers.threshold(new double[] {-9, -9.1, -0.01, -0.02})).isEmpty();
  }

  @Test
  void noOneIsWhereThereIsNothingToCompareWith() {
    assertThat(ConflictOutliers.threshold(new double[] {})).isEmpty();
    assertThat(ConflictOutliers.threshold(new double[] {7})).isEmpty();
    assertThat(ConflictOutliers.threshold(new double[] {7, 7, 7})).isEmpty();
  }
}
