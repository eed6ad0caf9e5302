package io.safegrad.trainer.bench;

import ai.djl.pytorch.jni.JniUtils;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** Which of torch's operators a step's time goes to, as torch's own profiler records it. */
final class OperatorProfile {

  private static final double MICROS_PER_MILLI = 1e3;

  private final Map<String, Sum> sums = new TreeMap<>();

  /** Of all calls: how many, and microseconds without those of the operators that they call. */
  private static final class Sum {
    private int calls;
    private double micros;
  }

  /** An operator's call, in microseconds. */
  private record Call(String name, long thread, double start, double duration) {

    boolean holds(Call other) {
      return other.start < start + duration;
    }
  }

  /** Records from now on. */
  static void start() {
    JniUtils.startProfile(false, false, false);
  }

  /** Ends the recording. */
  static OperatorProfile stop() throws IOException {
    Path trace = Files.createTempFile("operators", ".json");
    JniUtils.stopProfile(trace.toString());
    List<Call> calls = new ArrayList<>();
    JsonNode events = new ObjectMapper().readTree(trace.toFile());
    for (JsonNode event : events.isArray() ? events : events.path("traceEvents")) {
      if (event.path("ph").asText().equals("X")) {
        calls.add(
            new Call(
                event.path("name").asText(),
                event.path("tid").asLong(),
                event.path("ts").asDouble(),
                event.path("dur").asDouble()));
      }
    }
    Files.delete(trace);
    calls.sort(
        Comparator.comparingLong(Call::thread)
            .thenComparingDouble(Call::start)
            .thenComparingDouble(call -> -call.duration()));
    return new OperatorProfile(calls);
  }

  private OperatorProfile(List<Call> calls) {
    Deque<Call> around = new ArrayDeque<>();
    for (Call call : calls) {
      while (!around.isEmpty()
          && !(around.peek().thread() == call.thread() && around.peek().holds(call))) {
        around.pop();
      }
      if (!around.isEmpty()) {
        sum(around.peek()).micros -= call.duration();
      }
      Sum own = sum(call);
      own.calls++;
      own.micros += call.duration();
      around.push(call);
    }
  }

  private Sum sum(Call call) {
    return sums.computeIfAbsent(call.name(), name -> new Sum());
  }

  /** Prints the operators that take most. */
  void print(PrintStream out, int most) {
    double all = sums.values().stream().mapToDouble(sum -> sum.micros).sum();
    out.println("| operator | calls | ms by the clock | share |");
    out.println("|---|---|---|---|");
    sums.entrySet().stream()
        .sorted(Comparator.comparingDouble(each -> -each.getValue().micros))
        .limit(most)
        .forEach(
            each ->
                out.printf(
                    Locale.ROOT,
                    "| %s | %d | %.1f | %.1f %% |%n",
                    each.getKey(),
                    each.getValue().calls,
                    each.getValue().micros / MICROS_PER_MILLI,
                    100 * each.getValue().micros / all));
  }
}
