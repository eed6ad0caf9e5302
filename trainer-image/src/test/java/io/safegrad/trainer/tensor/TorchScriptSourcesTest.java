package io.safegrad.trainer.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A tensor that an operator makes must be where its arguments are. {@code check_devices.py} sees
 * each operator do so; this keeps out what would not.
 */
class TorchScriptSourcesTest {

  /** Those of torch's functions that make a tensor of none, and so on the CPU unless told. */
  private static final Pattern FACTORY =
      Pattern.compile(
          "torch\\.(zeros|ones|full|empty|arange|tensor|scalar_tensor|rand|randn|randint|eye|linspace"
              + "|tril_indices|triu_indices)\\(");

  /** The operator's name is the first argument, or the second behind the results' scope. */
  private static final Pattern CALL =
      Pattern.compile("\\.(?:call|one|apply)\\(\\s*(?:[\\w.()]+,\\s*)?\"(\\w+)\"");

  private static final Pattern DEFINITION = Pattern.compile("^  def (\\w+)\\(self");

  @ParameterizedTest
  @ValueSource(
      strings = {"attention", "decoder_layer", "ends", "vectors", "product", "product_onednn"})
  void noOperatorMakesATensorOnTheCpuUnsaid(String name) throws IOException {
    List<String> lines = lines(name);
    assertThat(lines).isNotEmpty();
    assertThat(lines.stream().filter(line -> FACTORY.matcher(line).find()))
        .allMatch(line -> line.contains("device="));
  }

  @ParameterizedTest
  @ValueSource(strings = {"    x = torch.zeros([2], dtype=6)", "y = torch.full([n, n], -inf)"})
  void whatWouldIsFound(String line) {
    assertThat(FACTORY.matcher(line).find() && !line.contains("device=")).isTrue();
  }

  /** Their names are text in Java, so nothing else would say so before such a line runs. */
  @Test
  void everyOperatorThatJavaCallsIsThere() throws IOException {
    Set<String> defined = new TreeSet<>();
    for (String name : List.of("attention", "decoder_layer", "ends", "vectors", "product")) {
      lines(name).stream()
          .map(DEFINITION::matcher)
          .filter(Matcher::find)
          .forEach(found -> defined.add(found.group(1)));
    }
    Set<String> called = new TreeSet<>();
    try (Stream<Path> files = Files.walk(Path.of("src/main/java"))) {
      for (Path file : files.filter(each -> each.toString().endsWith(".java")).toList()) {
        String text = Files.readString(file);
        if (text.contains("perators")) {
          CALL.matcher(text).results().forEach(call -> called.add(call.group(1)));
        }
      }
    }
    assertThat(called).hasSizeGreaterThan(20).contains("attend_", "adamw_", "to_device");
    assertThat(defined).containsAll(called);
  }

  private static List<String> lines(String name) throws IOException {
    try (InputStream source = Torch.class.getResourceAsStream(name + ".torchscript")) {
      return new String(source.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    }
  }
}
