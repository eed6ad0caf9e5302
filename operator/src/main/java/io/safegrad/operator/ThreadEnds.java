package io.safegrad.operator;

import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells in one line, not as Java's stack trace, what nobody caught. The SDK's executor loses a
 * schedule so when a run is deleted at the moment that it is scheduled again (TimerEventSource
 * cancels outside the event processor's lock), which then has nothing to be scheduled for.
 */
@Singleton
public class ThreadEnds {

  private static final Logger LOG = LoggerFactory.getLogger(ThreadEnds.class);

  void onStart(@Observes StartupEvent event) {
    Thread.setDefaultUncaughtExceptionHandler(ThreadEnds::tell);
  }

  static void tell(Thread thread, Throwable uncaught) {
    LOG.warn(sentence(thread.getName(), uncaught));
    LOG.debug("its stack", uncaught);
  }

  static String sentence(String thread, Throwable uncaught) {
    return "the thread %s was ended by %s: %s; what it did for a run is done again at the run's next event"
        .formatted(
            thread,
            uncaught.getClass().getSimpleName(),
            String.valueOf(uncaught.getMessage()).lines().findFirst().orElse("-"));
  }
}
