package io.safegrad.trainer.data;

import java.io.Closeable;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Work that every processor takes a share of, while its results are handed on one by one in the
 * order of the work, as if one thread had done it. Little of it is in memory at a time. For use by
 * one thread.
 *
 * @param <T> what the work gives
 */
final class OrderedWork<T> implements Closeable {

  /** Most memory of work that has begun, unless a single piece needs more. */
  private static final long MAX_BYTES = 8 << 20;

  private static final int MAX_PIECES = 1024;

  private final Consumer<T> results;
  private final ExecutorService threads;
  private final Deque<Piece<T>> begun = new ArrayDeque<>();
  private long bytes;

  private record Piece<T>(Future<T> result, long bytes) {}

  /**
   * @param results takes each result, in the thread that adds the work
   */
  OrderedWork(Consumer<T> results) {
    this.results = results;
    this.threads =
        Executors.newFixedThreadPool(
            Runtime.getRuntime().availableProcessors(),
            work -> {
              Thread thread = new Thread(work, "ordered-work");
              thread.setDaemon(true);
              return thread;
            });
  }

  /**
   * Begins a piece of work, and hands on results that are there.
   *
   * @param size how much memory the work holds, in bytes
   * @throws RuntimeException what an earlier piece threw, after the results of those before it;
   *     results of those after it are never handed on
   */
  void add(long size, Callable<T> work) {
    while (!begun.isEmpty()
        && (begun.getFirst().result().isDone()
            || bytes + size > MAX_BYTES
            || begun.size() == MAX_PIECES)) {
      handOnFirst();
    }
    begun.add(new Piece<>(threads.submit(work), size));
    bytes += size;
  }

  /** Hands on all results that are left; throws as {@link #add}. */
  void finish() {
    while (!begun.isEmpty()) {
      handOnFirst();
    }
  }

  private void handOnFirst() {
    Piece<T> first = begun.removeFirst();
    bytes -= first.bytes();
    boolean handedOn = false;
    try {
      results.accept(first.result().get());
      handedOn = true;
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException thrown) {
        throw thrown;
      }
      if (e.getCause() instanceof Error thrown) {
        throw thrown;
      }
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    } finally {
      if (!handedOn) {
        begun.clear();
      }
    }
  }

  /** Gives up work that is left; when this returns, none of it runs any more. */
  @Override
  public void close() {
    threads.shutdownNow();
    boolean interrupted = false;
    boolean ended = false;
    while (!ended) {
      try {
        ended = threads.awaitTermination(1, TimeUnit.MINUTES);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
