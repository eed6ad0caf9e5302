package io.safegrad.trainer.fuzz;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * What Jazzer calls with each input. With {@link #READER} it reads one kind of file; without, the
 * input's first byte says which one.
 */
public final class ReaderFuzzer {

  static final String READER = "safegrad.fuzz.reader";
  static final String FOLDER = "safegrad.fuzz.folder";

  private static FuzzedFiles files;

  private ReaderFuzzer() {}

  public static void fuzzerInitialize() throws IOException {
    files = FuzzedFiles.in(Files.createDirectories(Path.of(System.getProperty(FOLDER))));
  }

  public static void fuzzerTestOneInput(byte[] input) {
    String name = System.getProperty(READER);
    if (name != null) {
      FuzzedReader.valueOf(name).check(input, files);
    } else if (input.length > 0) {
      FuzzedReader[] all = FuzzedReader.values();
      all[(input[0] & 0xff) % all.length].check(Arrays.copyOfRange(input, 1, input.length), files);
    }
  }
}
