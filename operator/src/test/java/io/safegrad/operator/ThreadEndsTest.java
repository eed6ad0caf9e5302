package io.safegrad.operator;

import static org.assertj.core.api.Assertions.assertThat;

import io.quarkus.runtime.StartupEvent;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ThreadEndsTest {

  private Thread.UncaughtExceptionHandler before;

  @BeforeEach
  void remember() {
    before = Thread.getDefaultUncaughtExceptionHandler();
  }

  @AfterEach
  void restore() {
    Thread.setDefaultUncaughtExceptionHandler(before);
  }

  @Test
  void whatNobodyCaughtIsToldInOneLine() {
    assertThat(
            ThreadEnds.sentence(
                "pool-12", new IllegalStateException("Task already scheduled\nor cancelled")))
        .startsWith(
            "the thread pool-12 was ended by IllegalStateException: Task already scheduled;")
        .doesNotContain("\n");
    assertThat(ThreadEnds.sentence("t", new RuntimeException()))
        .contains("RuntimeException: null;");
  }

  @Test
  void itIsToldByTheOperatorAndNotByJava() {
    new ThreadEnds().onStart(new StartupEvent());
    assertThat(Thread.getDefaultUncaughtExceptionHandler()).isNotNull().isNotSameAs(before);
  }
}
