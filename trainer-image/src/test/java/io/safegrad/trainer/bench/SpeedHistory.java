package io.safegrad.trainer.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Runs of {@link SpeedBench}, one JSON object in a line, the newest last; and the table of one. */
final class SpeedHistory {

  static final Path FILE = Path.of("src", "test", "bench", "speed.jsonl");
  static final Path PAGE = Path.of("README.md");

  private static final String START = "<!-- speed: run.sh --write -->\n";
  private static final String END = "<!-- /speed -->\n";
  private static final ObjectMapper JSON = new ObjectMapper();

  private SpeedHistory() {}

  /**
   * One run.
   *
   * @param date its day, as 2026-01-31
   * @param commit of the code that ran
   * @param processor the model that the system names
   * @param threads of each side
   * @param rounds how often each case ran on each side
   * @param steps of each, the first of which is not counted
   * @param storage how our side kept the frozen weights
   */
  record Entry(
      String date,
      String commit,
      String processor,
      int threads,
      int rounds,
      int steps,
      String storage,
      List<BenchRow> rows) {

    /** What stands on the page. */
    String text() {
      return "%s, %s, %s, two threads (`run.sh --rounds %d --steps %d%s`):%n%s%n"
          .formatted(
              date,
              commit,
              processor,
              rounds,
              steps,
              storage.equals("Float32") ? "" : " --storage " + storage,
              BenchRow.table(rows));
    }
  }

  static List<Entry> read(Path file) throws IOException {
    List<Entry> entries = new ArrayList<>();
    if (Files.exists(file)) {
      for (String line : Files.readAllLines(file)) {
        entries.add(JSON.readValue(line, Entry.class));
      }
    }
    return entries;
  }

  static void append(Path file, Entry entry) throws IOException {
    Files.writeString(
        file,
        JSON.writeValueAsString(entry) + "\n",
        StandardOpenOption.CREATE,
        StandardOpenOption.APPEND);
  }

  /** The page with the newest run of each storage in it. */
  static String page(String page, List<Entry> entries) {
    int start = page.indexOf(START) + START.length();
    int end = page.indexOf(END);
    StringBuilder text = new StringBuilder();
    for (String storage : List.of("Float32", "BFloat16", "Int8")) {
      newest(entries, storage).ifPresent(entry -> text.append('\n').append(entry.text()));
    }
    return page.substring(0, start) + text + page.substring(end);
  }

  /** The newest run of a storage. */
  static Optional<Entry> newest(List<Entry> entries, String storage) {
    return entries.stream()
        .filter(entry -> entry.storage().equals(storage))
        .reduce((earlier, later) -> later);
  }

  /** How each ratio to the reference moved since an earlier run, in lines. */
  static String since(Entry earlier, Entry now) {
    StringBuilder text = new StringBuilder();
    for (BenchRow row : now.rows()) {
      for (BenchRow before : earlier.rows()) {
        if (before.title().equals(row.title())) {
          text.append(
              String.format(
                  Locale.ROOT,
                  "%s: CPU %.2f, on %s %.2f; memory %.2f, then %.2f%n",
                  row.title(),
                  row.cpuRatio(),
                  earlier.date(),
                  before.cpuRatio(),
                  row.rssRatio(),
                  before.rssRatio()));
        }
      }
    }
    return text.toString();
  }
}
