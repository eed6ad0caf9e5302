package io.safegrad.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import ai.djl.engine.EngineException;
import io.safegrad.api.ExitReason;
import io.safegrad.api.ManifestException;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class RunFailureTest {

  @Test
  void aKnownFailureIsSaidAsItIs() {
    assertThat(RunFailure.of(new TrainerException(ExitReason.BAD_DATA, "a.jsonl:3: broken")))
        .isEqualTo(new RunFailure(ExitReason.BAD_DATA, "a.jsonl:3: broken"));
    assertThat(RunFailure.of(new ManifestException("manifest: field spec is missing")))
        .isEqualTo(new RunFailure(ExitReason.BAD_PLAN, "manifest: field spec is missing"));
  }

  @Test
  void aKnownFailureIsFoundUnderWhatWrapsIt() {
    Throwable wrapped =
        new IllegalStateException(new TrainerException(ExitReason.PREEMPTED, "asked to stop"));

    assertThat(RunFailure.of(wrapped).reason()).isEqualTo(ExitReason.PREEMPTED);
  }

  @Test
  void memoryRunsOutInJavaAndInTheTensorLibrary() {
    assertThat(RunFailure.of(new OutOfMemoryError("Java heap space")))
        .isEqualTo(
            new RunFailure(
                ExitReason.OUT_OF_MEMORY,
                "Java is out of memory (Java heap space): expected a larger heap, for example"
                    + " JAVA_OPTS=-Xmx2g"));
    assertThat(
            RunFailure.of(
                    new EngineException(
                        "[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate"
                            + " memory: you tried to allocate 4000 bytes\nframe #0: c10"))
                .reason())
        .isEqualTo(ExitReason.OUT_OF_MEMORY);
    assertThat(RunFailure.of(new EngineException("CUDA out of memory.")).reason())
        .isEqualTo(ExitReason.OUT_OF_MEMORY);
    assertThat(RunFailure.of(new EngineException("shape mismatch")).reason())
        .isEqualTo(ExitReason.INTERNAL);
  }

  @Test
  void aLibraryThatCannotBeLoadedSaysWhatItNeeds() {
    RunFailure failure =
        RunFailure.of(
            new EngineException(
                "Failed to load PyTorch native library",
                new UnsatisfiedLinkError("/cache/libc10.so: cannot open shared object file")));

    assertThat(failure.reason()).isEqualTo(ExitReason.INTERNAL);
    assertThat(failure.message()).contains("/cache/libc10.so", "DJL_CACHE_DIR");
  }

  /** As a libtorch for GPUs says it where none is. */
  @Test
  void aMissingDriverIsNoMatterOfTheCache() {
    RunFailure failure =
        RunFailure.of(
            new EngineException(
                "Failed to load PyTorch native library",
                new UnsatisfiedLinkError(
                    "libcaffe2_nvrtc.so: libcuda.so.1: cannot open shared object file")));

    assertThat(failure.reason()).isEqualTo(ExitReason.INTERNAL);
    assertThat(failure.message())
        .contains("libcuda.so.1", "expected NVIDIA's driver")
        .doesNotContain("DJL_CACHE_DIR");
  }

  @Test
  void aFullDiskIsRecognisedAsThisSystemSaysIt() {
    Throwable full = catchThrowable(() -> Files.write(Path.of("/dev/full"), new byte[1]));
    assertThat(full).isInstanceOf(IOException.class);

    assertThat(RunFailure.of(new UncheckedIOException((IOException) full)))
        .isEqualTo(
            new RunFailure(ExitReason.INTERNAL, "the disk is full: expected free space there"));
    assertThat(
            RunFailure.of(new FileSystemException("/workspace/x", null, "No space left on device"))
                .message())
        .isEqualTo("/workspace/x: the disk is full: expected free space there");
  }

  @Test
  void anUnexpectedFailureNeverQuotesWhatItWasAbout() {
    RunFailure failure = RunFailure.of(new IllegalStateException("the tenant's\nown words"));

    assertThat(failure.reason()).isEqualTo(ExitReason.INTERNAL);
    assertThat(failure.message())
        .startsWith("unexpected IllegalStateException at io.safegrad.trainer.run.RunFailureTest")
        .doesNotContain("own words");
  }

  @Test
  void aSentenceStandsOnOneLine() {
    assertThat(
            RunFailure.of(new TrainerException(ExitReason.BAD_DATA, "first\n  second\r\n"))
                .message())
        .isEqualTo("first second");
  }
}
