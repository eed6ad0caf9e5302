package io.safegrad.operator.observe;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;

/**
 * A read that many threads need at the same time. Each gets what was read after it had asked, so
 * none gets anything older than it would have read itself; those that ask while a read is under way
 * share the next one.
 */
final class JoinedRead<T> {

  private CompletableFuture<T> running = CompletableFuture.completedFuture(null);
  private CompletableFuture<T> next;

  /**
   * What the read gives.
   *
   * @param read the same for every call
   * @throws RuntimeException what the read throws, to all that share it
   */
  T get(Supplier<T> read) {
    CompletableFuture<T> mine;
    CompletableFuture<T> before = null;
    synchronized (this) {
      if (next == null) {
        next = new CompletableFuture<>();
        before = running;
      }
      mine = next;
    }
    if (before != null) {
      before.exceptionally(failure -> null).join();
      perform(mine, read);
    }
    try {
      return mine.join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : e;
    }
  }

  private void perform(CompletableFuture<T> mine, Supplier<T> read) {
    synchronized (this) {
      running = mine;
      next = null;
    }
    try {
      mine.complete(read.get());
    } catch (RuntimeException | Error e) {
      mine.completeExceptionally(e);
    }
  }
}
