package io.safegrad.trainer.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GpuMemoryTest {

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 7, 79, 139, 1023})
  void whatIsLeftIsFoundByAskingTenTimes(long left) {
    AtomicInteger asked = new AtomicInteger();
    long found =
        GpuMemory.largest(
            gib -> {
              asked.incrementAndGet();
              return gib <= left;
            });
    assertThat(found).isEqualTo(left);
    assertThat(asked).hasValue(10);
  }
}
