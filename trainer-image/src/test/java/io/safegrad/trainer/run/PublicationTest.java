package io.safegrad.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PublicationTest {

  private static final String FIELD = "output.destination";
  private static final String PLAN = "sha256:" + "a".repeat(64);
  private static final String OTHER_PLAN = "sha256:" + "b".repeat(64);

  @TempDir private Path folder;

  @Test
  void publishesTheWholeFolderAndLeavesNothingElse() throws IOException {
    Path destination = folder.resolve("team/out");

    String published = publish(destination, PLAN, "weights", report(PLAN, true));

    assertThat(published).isEqualTo("written");
    assertThat(destination.resolve("adapter")).hasContent("weights");
    assertThat(listed(folder))
        .containsExactly("team", "team/out", "team/out/adapter", "team/out/report.json");
  }

  @Test
  void preparingLeavesTheDiskAsItWas() throws IOException {
    Publication.prepare(FIELD, "pvc://c/out", folder.resolve("deep/er/out"), PLAN);

    assertThat(listed(folder)).isEmpty();
  }

  @Test
  void aFullDiskLeavesNothingUnderTheOutput() throws IOException {
    Publication publication =
        Publication.prepare(FIELD, "pvc://c/team/out", folder.resolve("team/out"), PLAN);

    assertRefused(
        () ->
            publication.publish(
                staging -> {
                  Files.writeString(staging.resolve("adapter"), "half");
                  return Files.write(Path.of("/dev/full"), new byte[1]);
                }),
        ExitReason.INTERNAL,
        "output.destination: pvc://c/team/out cannot be written: No space left on device; nothing"
            + " of it was published");
    assertThat(listed(folder)).isEmpty();
  }

  @Test
  void aFailureOfAnyKindKeepsWhatWasThereBefore() throws IOException {
    Path destination = folder.resolve("out");
    publish(destination, PLAN, "first", report(PLAN, true));
    Publication publication = Publication.prepare(FIELD, "pvc://c/out", destination, PLAN);

    assertThatThrownBy(
            () ->
                publication.publish(
                    staging -> {
                      Files.writeString(staging.resolve("adapter"), "half");
                      throw new OutOfMemoryError("Java heap space");
                    }))
        .isInstanceOf(OutOfMemoryError.class);

    assertThat(destination.resolve("adapter")).hasContent("first");
    assertThat(listed(folder)).containsExactly("out", "out/adapter", "out/report.json");
  }

  @Test
  void theSamePlanReplacesItsOwnResult() throws IOException {
    Path destination = folder.resolve("out");
    publish(destination, PLAN, "first", report(PLAN, true));

    publish(destination, PLAN, "second", report(PLAN, true));

    assertThat(destination.resolve("adapter")).hasContent("second");
    assertThat(listed(folder)).containsExactly("out", "out/adapter", "out/report.json");
  }

  @Test
  void anotherPlansAdapterIsLeftAlone() throws IOException {
    Path destination = folder.resolve("out");
    publish(destination, OTHER_PLAN, "theirs", report(OTHER_PLAN, true));

    assertRefused(
        () -> Publication.prepare(FIELD, "pvc://c/out", destination, PLAN),
        ExitReason.BAD_PLAN,
        "output.destination: pvc://c/out holds the adapter of another plan, run team/other;"
            + " expected another folder, or that one removed");
    assertThat(destination.resolve("adapter")).hasContent("theirs");
  }

  @Test
  void theReportOfARefusedAdapterIsReplaced() throws IOException {
    Path destination = folder.resolve("out");
    publish(destination, OTHER_PLAN, "none", report(OTHER_PLAN, false));

    publish(destination, PLAN, "mine", report(PLAN, true));

    assertThat(destination.resolve("adapter")).hasContent("mine");
  }

  @Test
  void whatIsNotAFolderForResultsIsRefused() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "x");
    Path full = Files.createDirectory(folder.resolve("full"));
    Files.writeString(full.resolve("holiday.jpg"), "x");

    assertRefused(
        () -> Publication.prepare(FIELD, "pvc://c/file", file, PLAN),
        ExitReason.BAD_PLAN,
        "output.destination: pvc://c/file is a file; expected a folder, or nothing");
    assertRefused(
        () -> Publication.prepare(FIELD, "pvc://c/full", full, PLAN),
        ExitReason.BAD_PLAN,
        "output.destination: pvc://c/full is not empty and holds no report of a run; expected"
            + " another folder");
    assertRefused(
        () -> Publication.prepare(FIELD, "file:///proc", Path.of("/proc"), PLAN),
        ExitReason.BAD_PLAN,
        "output.destination: file:///proc is a mount point; expected a folder inside of it");
    assertRefused(
        () -> Publication.prepare(FIELD, "file:///", Path.of("/"), PLAN),
        ExitReason.BAD_PLAN,
        "output.destination: file:/// is the root folder; expected a folder in it");
  }

  @ParameterizedTest
  @ValueSource(strings = {"{\"artifact\": nul", "", "[]", "{\"artifact\": null}"})
  void aReportThatIsNoneIsSomebodysWork(String content) throws IOException {
    Path broken = Files.createDirectory(folder.resolve("broken"));
    Files.writeString(broken.resolve("report.json"), content);

    assertRefused(
        () -> Publication.prepare(FIELD, "pvc://c/broken", broken, PLAN),
        ExitReason.BAD_PLAN,
        "output.destination: pvc://c/broken holds a report.json that is no report of a run;"
            + " expected another folder");
    assertThat(broken.resolve("report.json")).hasContent(content);
  }

  @Test
  void aDestinationThatCannotBeWrittenIsRefusedBeforeAnyWork() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "x");

    assertRefused(
        () -> Publication.prepare(FIELD, "pvc://c/file/out", file.resolve("out"), PLAN),
        ExitReason.BAD_PLAN,
        "output.destination: pvc://c/file/out cannot be written: Not a directory ("
            + file.resolve("out.tmp-" + "a".repeat(12))
            + "); expected a folder that can be created or is writable");
    assertThatThrownBy(() -> Publication.prepare(FIELD, "file:///proc/x", Path.of("/proc/x"), PLAN))
        .hasMessageContaining("file:///proc/x cannot be written");
  }

  @Test
  void cleansUpAfterAKilledAttempt() throws IOException {
    Path destination = folder.resolve("out");
    publish(destination, PLAN, "first", report(PLAN, true));
    Files.move(destination, folder.resolve("out.old-" + "a".repeat(12)));
    Files.createDirectory(folder.resolve("out.tmp-" + "a".repeat(12)));

    Publication.prepare(FIELD, "pvc://c/out", destination, PLAN);

    assertThat(destination.resolve("adapter")).hasContent("first");
    assertThat(listed(folder)).containsExactly("out", "out/adapter", "out/report.json");
  }

  private static String publish(Path destination, String plan, String weights, String report) {
    return Publication.prepare(FIELD, "pvc://c/out", destination, plan)
        .publish(
            staging -> {
              Files.writeString(staging.resolve("adapter"), weights);
              Files.writeString(staging.resolve("report.json"), report);
              return "written";
            });
  }

  private static String report(String plan, boolean published) {
    return "{\"run\": \"team/other\", \"artifact\": %s, \"plan\": {\"digest\": \"%s\"}}"
        .formatted(published ? "{}" : "null", plan);
  }

  private static void assertRefused(ThrowingCallable call, ExitReason reason, String message) {
    assertThatThrownBy(call)
        .isInstanceOf(TrainerException.class)
        .hasMessage(message)
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(reason);
  }

  private static List<String> listed(Path root) throws IOException {
    try (Stream<Path> walk = Files.walk(root)) {
      return walk.filter(path -> !path.equals(root))
          .map(path -> root.relativize(path).toString())
          .sorted()
          .toList();
    }
  }
}
