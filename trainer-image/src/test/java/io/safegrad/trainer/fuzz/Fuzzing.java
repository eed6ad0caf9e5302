package io.safegrad.trainer.fuzz;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Runs Jazzer in a process of its own: it alters valid inputs, led by which code they reach. An
 * input that ends the process, takes too long, needs more than the heap or is refused in another
 * way than by one clear error, is a finding.
 */
final class Fuzzing {

  private static final int SECONDS_PER_INPUT = 20;
  private static final int MAX_INPUT_BYTES = 1 << 16;
  private static final Pattern DONE = Pattern.compile("Done (\\d+) runs in (\\d+) second");
  private static final Pattern COVERAGE = Pattern.compile("cov: (\\d+)");
  private static final Pattern FINDING =
      Pattern.compile("(?:== Java (?:Exception|Assertion Error): |ERROR: |== Bug).*");

  /** Jazzer's checks for web applications: they take DJL's loading of its library for an attack. */
  private static final String NOT_CHECKED =
      Stream.of(
              "BigDecimal",
              "ClojureLangHooks",
              "Deserialization",
              "ExpressionLanguageInjection",
              "FilePathTraversal",
              "LdapInjection",
              "NamingContextLookup",
              "OsCommandInjection",
              "ReflectiveCall",
              "RegexInjection",
              "RegexRoadblocks",
              "ScriptEngineInjection",
              "ServerSideRequestForgery",
              "SqlInjection",
              "TemplateInjection",
              "UnsafeSanitizer",
              "XPathInjection",
              "XmlParserSsrfGuidance")
          .map("com.code_intelligence.jazzer.sanitizers."::concat)
          .collect(Collectors.joining(":"));

  private Fuzzing() {}

  /**
   * How it ended.
   *
   * @param runs inputs that were read; 0 when there is a finding
   * @param coverage edges of the code that were reached
   * @param finding in one line; null for none
   * @param log all that Jazzer said
   */
  record Outcome(int runs, int seconds, int coverage, String finding, Path log) {}

  /**
   * Reads altered inputs.
   *
   * @param reader null for all kinds of files in one process
   * @param heap for example {@code 256m}
   * @param folder an empty one, where inputs with findings are left
   */
  static Outcome run(FuzzedReader reader, int runs, String heap, Path folder)
      throws IOException, InterruptedException {
    Path corpus = Files.createDirectories(folder.resolve("corpus"));
    for (FuzzedReader each : reader == null ? FuzzedReader.values() : new FuzzedReader[] {reader}) {
      writeSeeds(each, reader == null, corpus);
    }
    Path log = folder.resolve("jazzer.log");
    int code =
        new ProcessBuilder(command(reader, runs, heap, folder, corpus))
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start()
            .waitFor();
    String output = Files.readString(log);
    Matcher done = DONE.matcher(output);
    Matcher finding = FINDING.matcher(output);
    boolean well = code == 0 && done.find();
    return new Outcome(
        well ? Integer.parseInt(done.group(1)) : 0,
        well ? Integer.parseInt(done.group(2)) : 0,
        COVERAGE
            .matcher(output)
            .results()
            .mapToInt(each -> Integer.parseInt(each.group(1)))
            .max()
            .orElse(0),
        well ? null : finding.find() ? finding.group() : "ended with " + code,
        log);
  }

  private static void writeSeeds(FuzzedReader reader, boolean named, Path corpus)
      throws IOException {
    int number = 0;
    for (byte[] seed : reader.seeds()) {
      ByteArrayOutputStream input = new ByteArrayOutputStream();
      if (named) {
        input.write(reader.ordinal());
      }
      input.write(seed);
      Files.write(corpus.resolve(reader + "-" + number++), input.toByteArray());
    }
  }

  private static List<String> command(
      FuzzedReader reader, int runs, String heap, Path folder, Path corpus) {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx" + heap,
                "-D" + ReaderFuzzer.FOLDER + "=" + folder.resolve("files"),
                "-cp",
                System.getProperty("java.class.path")));
    if (reader != null) {
      command.add(1, "-D" + ReaderFuzzer.READER + "=" + reader);
    }
    command.addAll(
        List.of(
            "com.code_intelligence.jazzer.Jazzer",
            "--target_class=" + ReaderFuzzer.class.getName(),
            "--instrumentation_includes=io.safegrad.**:org.apache.parquet.**:io.airlift.**"
                + ":de.siegmar.**:com.hubspot.**",
            "--disabled_hooks=" + NOT_CHECKED,
            "--reproducer_path=" + folder,
            "-artifact_prefix=" + folder + "/",
            "-runs=" + runs,
            "-seed=1",
            "-timeout=" + SECONDS_PER_INPUT,
            "-max_len=" + MAX_INPUT_BYTES,
            "-rss_limit_mb=2048",
            corpus.toString()));
    return command;
  }
}
