package io.safegrad.operator;

import static org.assertj.core.api.Assertions.assertThat;

import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.Cache;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafeFineTuneStatusBuilder;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class NewRunsFirstTest {

  private static final Instant TODAY = Instant.parse("2026-08-01T12:00:00Z");

  private final AtomicLong clock = new AtomicLong(-5);
  private final List<SafeFineTune> runs = new ArrayList<>();
  private final NewRunsFirst order = new NewRunsFirst(clock::get, () -> TODAY);
  private final NewRunsFirst.Turn known = order.initState();

  NewRunsFirstTest() {
    order.among(new Listed(runs));
    order.isLimited(known);
  }

  @Test
  void aNewRunNeverWaits() {
    runs.add(created(TODAY.minusSeconds(1)));
    assertThat(order.isLimited(order.initState())).isEmpty();
  }

  @Test
  void anotherWaitsWhileThereIsANewOne() {
    assertThat(order.isLimited(known)).isEmpty();
    runs.add(created(TODAY.minusSeconds(1)));
    after(Duration.ofMillis(100));
    assertThat(order.isLimited(known)).contains(Duration.ofMillis(500));
    SafeFineTune looked = new SafeFineTune();
    looked.setStatus(SafeFineTuneStatusBuilder.builder().phase(Phase.Pending).build());
    runs.set(0, looked);
    after(Duration.ofMillis(500));
    assertThat(order.isLimited(known)).isEmpty();
  }

  @Test
  void nobodyWaitsForLong() {
    runs.add(created(TODAY.minusSeconds(1)));
    after(Duration.ofSeconds(1));
    assertThat(order.isLimited(known)).isPresent();
    after(Duration.ofMillis(29_999));
    assertThat(order.isLimited(known)).isPresent();
    after(Duration.ofMillis(1));
    assertThat(order.isLimited(known)).isEmpty();
    assertThat(order.isLimited(known)).isPresent();
  }

  @Test
  void nobodyWaitsForARunThatSomethingElseHoldsUp() {
    runs.add(created(TODAY.minusSeconds(60)));
    runs.add(created(TODAY.plusSeconds(3600)));
    after(Duration.ofSeconds(1));
    assertThat(order.isLimited(known)).isEmpty();
  }

  private static SafeFineTune created(Instant time) {
    SafeFineTune run = new SafeFineTune();
    run.getMetadata().setCreationTimestamp(time.toString());
    return run;
  }

  private void after(Duration time) {
    clock.addAndGet(time.toNanos());
  }

  private record Listed(List<SafeFineTune> runs) implements Cache<SafeFineTune> {

    @Override
    public Optional<SafeFineTune> get(ResourceID id) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Stream<ResourceID> keys() {
      return runs.stream().map(ResourceID::fromResource);
    }

    @Override
    public Stream<SafeFineTune> list(Predicate<SafeFineTune> predicate) {
      return runs.stream().filter(predicate);
    }
  }
}
