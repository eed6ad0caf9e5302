package io.safegrad.operator.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class JoinedReadTest {

  private final ExecutorService threads = Executors.newFixedThreadPool(20);
  private final JoinedRead<Integer> reads = new JoinedRead<>();
  private final AtomicInteger count = new AtomicInteger();

  @AfterEach
  void stop() {
    threads.shutdownNow();
  }

  @Test
  void whoeverAsksDuringAReadSharesTheNextAndGetsNothingOlder() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    CompletableFuture<Integer> first = ask(go);
    await().until(() -> count.get() == 1);
    List<CompletableFuture<Integer>> later = new ArrayList<>();
    AtomicInteger asking = new AtomicInteger();
    for (int i = 0; i < 10; i++) {
      later.add(
          CompletableFuture.supplyAsync(
              () -> {
                asking.incrementAndGet();
                return reads.get(count::incrementAndGet);
              },
              threads));
    }
    await().until(() -> asking.get() == 10);
    assertThat(later).noneMatch(CompletableFuture::isDone);
    go.countDown();
    assertThat(first.get()).isEqualTo(1);
    for (CompletableFuture<Integer> one : later) {
      assertThat(one.get()).isGreaterThan(1);
    }
    // One of the ten may have been late enough for a read of its own.
    assertThat(count.get()).isLessThan(11);
  }

  @Test
  void aReadThatFailsFailsForThoseThatShareItAndForNobodyElse() {
    IllegalStateException failure = new IllegalStateException("away");
    assertThatThrownBy(
            () ->
                reads.get(
                    () -> {
                      throw failure;
                    }))
        .isSameAs(failure);
    assertThat(reads.get(() -> 7)).isEqualTo(7);
  }

  private CompletableFuture<Integer> ask(CountDownLatch go) {
    return CompletableFuture.supplyAsync(
        () ->
            reads.get(
                () -> {
                  int number = count.incrementAndGet();
                  try {
                    go.await();
                  } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                  }
                  return number;
                }),
        threads);
  }
}
