package io.safegrad.trainer.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Pattern;
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

  private static List<String> lines(String name) throws IOException {
    try (InputStream source = Torch.class.getResourceAsStream(name + ".torchscript")) {
      return new String(source.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    }
  }
}
