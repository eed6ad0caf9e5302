package io.safegrad.trainer.study;

import io.safegrad.trainer.builtin.Corpus;
import io.safegrad.trainer.builtin.Dialogue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Writes what a model learns that refuses nothing by itself: the dialogues that the built-in one is
 * made of, harmful requests with its refusal and harmless ones with answers.
 */
public final class AligningData {

  private AligningData() {}

  /** Writes them to a file. */
  public static void main(String... arguments) throws IOException {
    List<String> lines = new Corpus().base().stream().map(Dialogue::trainingLine).toList();
    Files.write(Path.of(arguments[0]), lines);
    System.out.printf("%d dialogues: %s%n", lines.size(), arguments[0]);
  }
}
