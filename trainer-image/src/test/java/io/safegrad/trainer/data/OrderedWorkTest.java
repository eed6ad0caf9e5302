package io.safegrad.trainer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class OrderedWorkTest {

  private static final int MEBIBYTE = 1 << 20;

  private final List<Integer> results = new ArrayList<>();

  @Test
  void resultsComeInTheOrderOfTheWork() {
    try (OrderedWork<Integer> work = new OrderedWork<>(results::add)) {
      CountDownLatch firstMayEnd = new CountDownLatch(1);
      work.add(
          1,
          () -> {
            firstMayEnd.await();
            return 0;
          });
      for (int i = 1; i < 5000; i++) {
        int piece = i;
        if (i == 100) {
          firstMayEnd.countDown();
        }
        work.add(1, () -> piece);
      }
      work.finish();
    }

    assertThat(results).isEqualTo(IntStream.range(0, 5000).boxed().toList());
  }

  @Test
  void theFirstErrorIsThrownAndNothingAfterItIsHandedOn() {
    try (OrderedWork<Integer> work = new OrderedWork<>(results::add)) {
      assertThatThrownBy(
              () -> {
                work.add(1, () -> 0);
                work.add(1, () -> failing("first"));
                work.add(1, () -> failing("second"));
                work.add(1, () -> 3);
                work.finish();
              })
          .hasMessage("first");
      work.finish();
    }

    assertThat(results).containsExactly(0);
  }

  private static int failing(String message) {
    throw new IllegalArgumentException(message);
  }

  @Test
  void littleIsInMemoryAtATime() {
    AtomicLong held = new AtomicLong();
    AtomicLong most = new AtomicLong();
    try (OrderedWork<Integer> work =
        new OrderedWork<>(size -> held.addAndGet(-(long) size * MEBIBYTE))) {
      for (int size : new int[] {3, 3, 3, 3, 100, 3, 3}) {
        work.add((long) size * MEBIBYTE, () -> size);
        most.accumulateAndGet(held.addAndGet((long) size * MEBIBYTE), Math::max);
      }
      work.finish();
    }

    assertThat(most).hasValue(100L * MEBIBYTE);
    assertThat(held).hasValue(0);
  }

  @Test
  void nothingRunsAnyMoreWhenItIsClosed() throws InterruptedException {
    CountDownLatch begun = new CountDownLatch(1);
    AtomicBoolean ended = new AtomicBoolean();
    try (OrderedWork<Integer> work = new OrderedWork<>(results::add)) {
      work.add(
          1,
          () -> {
            begun.countDown();
            try {
              new CountDownLatch(1).await();
            } finally {
              ended.set(true);
            }
            return 1;
          });
      begun.await();
    }

    assertThat(ended).isTrue();
    assertThat(results).isEmpty();
  }
}
