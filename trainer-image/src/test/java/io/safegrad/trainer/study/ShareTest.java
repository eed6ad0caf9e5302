package io.safegrad.trainer.study;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ShareTest {

  private static final StudyCase ONE = StudyGrid.start(Attack.PLAIN);
  private static final StudyCase OTHER = StudyGrid.start(Attack.UNLIKE);

  @TempDir Path folder;

  @Test
  void aCaseIsTakenOnceAndItsResultIsSeenByAll() throws IOException {
    Share share = new Share(folder);
    Share beside = new Share(folder);
    assertThat(share.take(ONE)).isTrue();
    assertThat(beside.take(ONE)).isFalse();
    assertThat(beside.take(OTHER)).isTrue();
    CaseResult result = CaseResultBuilder.builder().key(ONE.key()).study(ONE).build();
    share.leave(result);
    assertThat(beside.results()).isEqualTo(List.of(result));
    assertThat(beside.take(ONE)).isFalse();
  }

  @Test
  void aCaseThatFailsIsLost() throws IOException {
    Share share = new Share(folder);
    share.take(ONE);
    assertThat(share.isLost(ONE)).isFalse();
    share.fail(ONE, new IllegalStateException("no memory"));
    assertThat(share.isLost(ONE)).isTrue();
    assertThat(share.take(ONE)).isFalse();
  }

  @Test
  void whatAnEndedProcessTookIsTakenOnceMore() throws IOException, InterruptedException {
    Process ended = new ProcessBuilder("true").start();
    ended.waitFor();
    Share share = new Share(folder);
    for (int times = 0; times < 2; times++) {
      assertThat(share.isLost(ONE)).isFalse();
      assertThat(share.take(ONE)).isTrue();
      assertThat(share.take(ONE)).isFalse();
      try (Stream<Path> files = Files.list(folder)) {
        for (Path taken : files.toList()) {
          Files.writeString(taken, Long.toString(ended.pid()));
        }
      }
    }
    assertThat(share.isLost(ONE)).isTrue();
    assertThat(share.take(ONE)).isFalse();
  }
}
