package io.safegrad.operator;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.safegrad.operator.admission.AdmissionConfig;
import io.safegrad.operator.dependent.NetworkConfig;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The Helm chart has a value for each setting of the operator, with the same default. */
class ChartValuesTest {

  private static final Path CHART = Path.of("../deploy/helm");

  /** It is the namespace that the chart is installed in, and no value. */
  private static final String NAMESPACE = "safegrad.network.operatorNamespace";

  @ParameterizedTest
  @MethodSource("settings")
  void theChartHasTheSetting(String name, String byDefault) throws IOException {
    String template = Files.readString(CHART.resolve("templates/deployment.yaml"));
    String variable = name.replace('.', '_').replaceAll("([A-Z])", "_$1").toUpperCase(Locale.ROOT);
    assertThat(template).contains("- name: " + variable + "\n");
    if (name.equals(NAMESPACE)) {
      return;
    }
    String path = name.substring("safegrad.".length());
    assertThat(template).contains(".Values." + path + " ");
    JsonNode value =
        new YAMLMapper()
            .readTree(CHART.resolve("values.yaml").toFile())
            .at("/" + path.replace('.', '/'));
    assertThat(text(value)).as(path).isEqualTo(byDefault);
  }

  static Stream<Object[]> settings() {
    return Stream.of(OperatorConfig.class, NetworkConfig.class, AdmissionConfig.class)
        .flatMap(type -> settings(type, type.getAnnotation(ConfigMapping.class).prefix()));
  }

  private static Stream<Object[]> settings(Class<?> type, String prefix) {
    return Stream.of(type.getDeclaredMethods())
        .flatMap(
            method -> {
              String name = prefix + "." + method.getName();
              return method.getReturnType().getEnclosingClass() == OperatorConfig.class
                  ? settings(method.getReturnType(), name)
                  : Stream.<Object[]>of(new Object[] {name, byDefault(method)});
            });
  }

  /** What is absent by default is empty in the chart. */
  private static String byDefault(Method method) {
    WithDefault annotation = method.getAnnotation(WithDefault.class);
    return annotation == null ? "" : annotation.value();
  }

  private static String text(JsonNode value) {
    return value.isArray()
        ? StreamSupport.stream(value.spliterator(), false)
            .map(JsonNode::asText)
            .collect(Collectors.joining(","))
        : value.asText();
  }
}
