package io.safegrad.trainer.fuzz;

import io.safegrad.trainer.fuzz.Progress.Count;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Has Jazzer make inputs for readers, guided by what code they reach, in a process with a small
 * heap. An input that ends the process or makes it hang is the last one, and a finding.
 *
 * @param heap for example {@code 256m}
 */
record JazzerRun(List<FuzzedReader> readers, long seed, long inputs, String heap) {

  /** By the clock, of a machine that may be busy; {@link FuzzTarget#MAX_TIME} is what counts. */
  private static final int HANGS_AFTER_SECONDS = 120;

  /** Of the whole process: heap, Java itself and what native code takes. */
  private static final int MAX_RESIDENT_MIB = 1024;

  private static final int MAX_FINDINGS = 20;

  /** Of its log, in an error. */
  private static final int LOG_LINES = 40;

  /** Of one finding. */
  private static final int REPORT_LINES = 8;

  /** Whose branches guide it: ours, and the parsers written in Java that ours rely on. */
  private static final String GUIDED_BY =
      "io.safegrad.**:de.siegmar.fastcsv.**:org.apache.parquet.**";

  private static final Pattern STATISTICS =
      Pattern.compile("cov: (\\d+) ft: (\\d+) corp: (\\d+).* rss: (\\d+)Mb");

  /**
   * How it ended.
   *
   * @param findings those of one kind count once
   * @param edges branches of the code that guides it which some input took
   * @param features the same with how often
   * @param corpus inputs that Jazzer kept, for each reached something new
   * @param residentMib the process, at its peak
   * @param reported what Jazzer says of the findings, a few lines each
   */
  record Outcome(
      long inputs,
      long read,
      long refused,
      long findings,
      int edges,
      int features,
      int corpus,
      int residentMib,
      long heapMib,
      double seconds,
      List<String> reported) {}

  /**
   * Lets it run.
   *
   * @param folder an empty one, where Jazzer's log and inputs with findings are left
   */
  Outcome in(Path folder) throws IOException, InterruptedException {
    Path seeds = Files.createDirectories(folder.resolve("seeds"));
    for (FuzzedReader reader : readers) {
      byte[] pick = readers.size() == 1 ? new byte[0] : new byte[] {(byte) readers.indexOf(reader)};
      int number = 0;
      for (byte[] each : reader.seeds()) {
        Path file = seeds.resolve("%s-%04d".formatted(reader, number++));
        Files.write(file, pick);
        Files.write(file, each, StandardOpenOption.APPEND);
      }
    }
    Path findings = Files.createDirectories(folder.resolve("findings"));
    Path log = folder.resolve("jazzer.log");
    long start = System.nanoTime();
    int exit =
        new ProcessBuilder(command(folder, seeds, findings))
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start()
            .waitFor();
    double seconds = (System.nanoTime() - start) / 1e9;
    try (Stream<Path> kept = Files.list(findings)) {
      Outcome outcome = outcome(folder, log, kept.count(), seconds);
      if (outcome.inputs() == 0 || exit != 0 && outcome.findings() == 0) {
        List<String> lines = Files.readAllLines(log);
        throw new IOException(
            "Jazzer ended with %d:\n%s"
                .formatted(
                    exit,
                    String.join(
                        "\n", lines.subList(Math.max(0, lines.size() - LOG_LINES), lines.size()))));
      }
      return outcome;
    }
  }

  private Outcome outcome(Path folder, Path log, long findings, double seconds) throws IOException {
    int[] last = new int[4];
    try (Stream<String> lines = Files.lines(log)) {
      lines
          .map(STATISTICS::matcher)
          .filter(Matcher::find)
          .forEach(
              line -> {
                for (int i = 0; i < last.length; i++) {
                  last[i] = Integer.parseInt(line.group(i + 1));
                }
              });
    }
    Progress progress = Progress.in(folder.resolve("progress"));
    return new Outcome(
        progress.get(Count.INPUTS),
        progress.get(Count.READ),
        progress.get(Count.REFUSED),
        findings,
        last[0],
        last[1],
        last[2],
        last[3],
        progress.get(Count.PEAK_HEAP_BYTES) >> 20,
        seconds,
        findings == 0 ? List.of() : reported(log));
  }

  private static List<String> reported(Path log) throws IOException {
    List<String> reported = new ArrayList<>();
    int left = 0;
    for (String line : Files.readAllLines(log, StandardCharsets.ISO_8859_1)) {
      if (line.contains("== Java Exception") || line.contains("ERROR: libFuzzer")) {
        left = REPORT_LINES;
      }
      if (left-- > 0) {
        reported.add(line);
      }
    }
    return reported;
  }

  private List<String> command(Path folder, Path seeds, Path findings) throws IOException {
    String names = readers.stream().map(FuzzedReader::name).collect(Collectors.joining(","));
    List<String> command =
        new ArrayList<>(
            List.of(
                // Linux hands the peak of who starts a process on to it; the shell's is small.
                "sh",
                "-c",
                "\"$@\"; exit $?",
                "sh",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx" + heap,
                "-XX:+UseSerialGC",
                "-XX:+EnableDynamicAgentLoading",
                // Else one exception thrown often loses its trace, and counts as a second finding.
                "-XX:-OmitStackTraceInFastThrow",
                "-XX:ErrorFile=" + findings.resolve("jvm-crash.log"),
                "-Djava.io.tmpdir=" + folder,
                "-D" + FuzzTarget.READERS + "=" + names,
                "-D" + FuzzTarget.FOLDER + "=" + folder,
                "-cp",
                System.getProperty("java.class.path"),
                "com.code_intelligence.jazzer.Jazzer",
                "--target_class=" + FuzzTarget.class.getName(),
                "--instrumentation_includes=" + GUIDED_BY,
                "--instrumentation_excludes=" + FuzzTarget.class.getPackageName() + ".**",
                "--custom_hook_includes=" + GUIDED_BY,
                "--keep_going=" + MAX_FINDINGS,
                "--reproducer_path=" + folder,
                "-artifact_prefix=" + findings + "/",
                "-seed=" + seed,
                "-runs=" + inputs,
                "-timeout=" + HANGS_AFTER_SECONDS,
                "-report_slow_units=" + HANGS_AFTER_SECONDS,
                "-rss_limit_mb=" + MAX_RESIDENT_MIB));
    Path dictionary = dictionary(folder);
    if (Files.size(dictionary) > 0) {
      command.add("-dict=" + dictionary);
    }
    command.add(Files.createDirectories(folder.resolve("corpus")).toString());
    command.add(seeds.toString());
    return command;
  }

  /** The words that a mutation puts in, in libFuzzer's form. */
  private Path dictionary(Path folder) throws IOException {
    Path file = folder.resolve("words.dict");
    List<String> words =
        readers.stream()
            .flatMap(reader -> reader.words().stream())
            .filter(word -> !FuzzWords.isLong(word))
            .distinct()
            .toList();
    try (BufferedWriter writer = Files.newBufferedWriter(file)) {
      for (String word : words) {
        writer.append('"');
        for (byte each : word.getBytes(StandardCharsets.UTF_8)) {
          writer.append("\\x%02x".formatted(each));
        }
        writer.append("\"\n");
      }
    }
    return file;
  }
}
