package io.safegrad.trainer.data;

import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/**
 * How long work may take that cannot be told to stop. It is done in a thread of its own, which is
 * left behind when the time is over: it does not keep the process from ending.
 */
final class TimeLimit {

  /**
   * One thread serves a file's examples; of a template that nobody renders any more, none stays.
   */
  private static final int IDLE_SECONDS = 1;

  private final Duration limit;
  private final ExecutorService threads =
      new ThreadPoolExecutor(
          0,
          Integer.MAX_VALUE,
          IDLE_SECONDS,
          TimeUnit.SECONDS,
          new SynchronousQueue<>(),
          work -> {
            Thread thread = new Thread(work, "time-limit");
            thread.setDaemon(true);
            return thread;
          });

  TimeLimit(Duration limit) {
    this.limit = limit;
  }

  /** A check for work that can look at the time now and then; its time starts now. */
  Runnable check() {
    long start = System.nanoTime();
    return () -> {
      if (System.nanoTime() - start > limit.toNanos()) {
        throw new Exceeded(limit);
      }
    };
  }

  /**
   * What the work gives, or throws.
   *
   * @throws Exceeded when that takes longer
   */
  <T> T within(Supplier<T> work) {
    try {
      return threads.submit(work::get).get(limit.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      throw new Exceeded(limit);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException thrown) {
        throw thrown;
      }
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** The time is over. */
  static final class Exceeded extends RuntimeException {

    private static final double MILLIS_PER_SECOND = 1000;

    private Exceeded(Duration limit) {
      super("it takes longer than " + limit.toMillis() / MILLIS_PER_SECOND + " s");
    }
  }
}
