package io.safegrad.trainer.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RoomOnGpuTest {

  private static final long GIB = 1L << 30;

  private final List<Long> asked = new ArrayList<>();

  private final RoomOnGpu room =
      new RoomOnGpu(
          bytes -> {
            asked.add(bytes / GIB);
            return bytes <= 20 * GIB;
          });

  @Test
  void littleIsKeptWithoutAsking() {
    assertThat(room.keeps(4 * GIB)).isTrue();
    assertThat(asked).isEmpty();
  }

  @Test
  void whatHasRoomTwiceIsKept() {
    assertThat(room.keeps(10 * GIB)).isTrue();
    assertThat(room.keeps(11 * GIB)).isFalse();
    assertThat(asked).containsExactly(20L, 22L);
  }

  @Test
  void anAnswerIsRemembered() {
    room.keeps(10 * GIB);
    room.keeps(12 * GIB);
    assertThat(room.keeps(9 * GIB)).isTrue();
    assertThat(room.keeps(10 * GIB)).isTrue();
    assertThat(room.keeps(13 * GIB)).isFalse();
    assertThat(asked).containsExactly(20L, 24L);
  }
}
