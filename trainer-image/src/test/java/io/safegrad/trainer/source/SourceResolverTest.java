package io.safegrad.trainer.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SourceResolverTest {

  @TempDir private Path folder;
  private Path claim;
  private RemoteSources remote;
  private SourceResolver resolver;

  @BeforeEach
  void mountAClaim() throws IOException {
    claim = Files.createDirectories(folder.resolve("pvc/data"));
    remote = new RemoteSources(DownloadSettings.of(Map.of(), folder), folder.resolve("sources"));
    resolver = new SourceResolver(folder.resolve("pvc"), true, folder, remote);
  }

  @Test
  void findsAFileOfAClaimAndTakesItsDigest() throws IOException {
    Files.writeString(Files.createDirectory(claim.resolve("sub")).resolve("a.jsonl"), "abc");

    Source source = resolve("dataset.source", "pvc://data/sub/a.jsonl");

    assertThat(source.path()).isEqualTo(claim.resolve("sub/a.jsonl"));
    assertThat(source.digest())
        .isEqualTo("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  }

  @Test
  void aDirectorysDigestSaysNamesAndContents() throws IOException {
    Path model = Files.createDirectory(claim.resolve("model"));
    Files.writeString(model.resolve("config.json"), "{}");
    String before = resolve("model.source", "pvc://data/model").digest();
    assertThat(resolve("model.source", "pvc://data/model").digest()).isEqualTo(before);

    Files.move(model.resolve("config.json"), model.resolve("other.json"));
    String renamed = resolve("model.source", "pvc://data/model").digest();
    Files.writeString(model.resolve("other.json"), "[]");
    String changed = resolve("model.source", "pvc://data/model").digest();

    assertThat(renamed).isNotEqualTo(before);
    assertThat(changed).isNotEqualTo(renamed).isNotEqualTo(before);
  }

  @Test
  void aMissingFileIsNamedWithItsFieldAndPlace() {
    assertThatThrownBy(() -> resolve("dataset.source", "pvc://data/none.jsonl"))
        .isInstanceOf(TrainerException.class)
        .hasMessage(
            "dataset.source: pvc://data/none.jsonl does not exist; looked at "
                + claim.resolve("none.jsonl"))
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(ExitReason.SOURCE_UNAVAILABLE);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "pvc://data/../secret.txt",
        "pvc://data/sub/../../secret.txt",
        "pvc://../secret.txt",
        "pvc://data/.",
        "pvc://data/",
        "pvc://data",
        "pvc:///secret.txt",
        "http://example.com/x",
        "secret.txt",
        "file:relative",
        "file:///bad\u0000name",
        "pvc://data/line\nbreak"
      })
  void anAddressThatLeavesItsClaimOrIsNoneIsRefused(String uri) throws IOException {
    Files.writeString(folder.resolve("secret.txt"), "secret");
    Files.writeString(folder.resolve("pvc/secret.txt"), "secret");

    assertThatThrownBy(() -> resolve("dataset.source", uri))
        .isInstanceOf(TrainerException.class)
        .hasMessageStartingWith("dataset.source: ")
        .hasMessageContaining("expected")
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(ExitReason.BAD_PLAN);
  }

  @Test
  void aLinkOutOfTheClaimIsRefusedAndOneInsideIsFollowed() throws IOException {
    Path secret = Files.writeString(folder.resolve("secret.txt"), "secret");
    Files.createSymbolicLink(claim.resolve("escape.jsonl"), secret);
    Path model = Files.createDirectory(claim.resolve("model"));
    Files.createSymbolicLink(model.resolve("model.safetensors"), secret);
    Path blob = Files.writeString(claim.resolve("blob"), "inside");
    Files.createSymbolicLink(claim.resolve("link.jsonl"), blob);

    assertThatThrownBy(() -> resolve("dataset.source", "pvc://data/escape.jsonl"))
        .hasMessage(
            "dataset.source: pvc://data/escape.jsonl leaves its claim: escape.jsonl is a link to"
                + " the outside");
    assertThatThrownBy(() -> resolve("model.source", "pvc://data/model"))
        .hasMessageContaining("model.safetensors is a link to the outside");
    assertThat(resolve("dataset.source", "pvc://data/link.jsonl").digest())
        .isEqualTo(Sha256.ofFile(blob));
  }

  @Test
  void aDestinationNeedsItsClaimMountedInAPodButNotOnALaptop() {
    assertThatThrownBy(() -> resolver.destination("output.destination", "pvc://none/out"))
        .isInstanceOf(TrainerException.class)
        .hasMessageContaining("claim none is not mounted")
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(ExitReason.SOURCE_UNAVAILABLE);
    assertThat(
            new SourceResolver(folder.resolve("pvc"), false, folder, remote)
                .destination("output.destination", "pvc://none/out"))
        .isEqualTo(folder.resolve("pvc/none/out"));
  }

  @Test
  void aDestinationNeverLeavesItsClaimThroughALink() throws IOException {
    Files.createSymbolicLink(claim.resolve("out"), Files.createDirectory(folder.resolve("else")));

    assertThatThrownBy(() -> resolver.destination("output.destination", "pvc://data/out/adapter"))
        .hasMessageContaining("leaves its claim");
    assertThatThrownBy(() -> resolver.destination("output.destination", "builtin://x"))
        .hasMessageContaining("cannot be written");
  }

  @Test
  void aNameThatIsNotBuiltInIsRefusedWithItsField() {
    assertThatThrownBy(() -> resolve("safety.alignment.source", "builtin://nosuch"))
        .hasMessageStartingWith("safety.alignment.source: builtin://nosuch is not built in;")
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(ExitReason.BAD_PLAN);
  }

  @Test
  void aDigestIsHeldToWhateverTheAddressIs() throws IOException {
    Files.writeString(claim.resolve("a.jsonl"), "abc");
    String expected = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    String other = expected.replace("ba78", "0000");

    assertThat(
            resolver
                .resolve(new SourceSpec("dataset.source", "pvc://data/a.jsonl", null, expected))
                .digest())
        .isEqualTo(expected);
    assertThatThrownBy(
            () ->
                resolver.resolve(
                    new SourceSpec("dataset.source", "pvc://data/a.jsonl", null, other)))
        .hasMessage(
            "dataset.digest: pvc://data/a.jsonl has %s; expected %s".formatted(expected, other))
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(ExitReason.BAD_DATA);
  }

  @Test
  void aRevisionIsOnlyForTheHub() {
    assertThatThrownBy(
            () ->
                resolver.resolve(
                    new SourceSpec("dataset.source", "pvc://data/a.jsonl", "main", null)))
        .hasMessage("dataset.revision: only an hf:// source has one; found pvc://data/a.jsonl")
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(ExitReason.BAD_PLAN);
  }

  private Source resolve(String field, String uri) {
    return resolver.resolve(SourceSpec.unpinned(field, uri));
  }
}
