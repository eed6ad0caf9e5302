package io.safegrad.operator.status;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTune;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luaj.vm2.Globals;
import org.luaj.vm2.LuaTable;
import org.luaj.vm2.LuaValue;
import org.luaj.vm2.lib.jse.JsePlatform;

/**
 * What Argo CD and Flux make of a run in each state. {@code -Dgitops.write=true} writes the states,
 * after which src/test/kstatus/states.sh asks kstatus' own library about them.
 */
class GitOpsHealthTest {

  private static final Path ARGOCD = Path.of("../deploy/gitops/argocd");
  private static final Path STATES = Path.of("src/test/resources/states.txt");
  private static final Path KSTATUS = Path.of("src/test/resources/states-kstatus.txt");

  @ParameterizedTest
  @CsvSource({
    "new, Progressing, InProgress",
    "pending, Progressing, InProgress",
    "queued, Progressing, InProgress",
    "image-missing, Progressing, InProgress",
    "preparing, Progressing, InProgress",
    "training, Progressing, InProgress",
    "evaluating, Progressing, InProgress",
    "publishing, Progressing, InProgress",
    "suspended, Suspended, InProgress",
    "succeeded, Healthy, Current",
    "rejected, Degraded, Failed",
    "failed, Degraded, Failed",
    "policy-violation, Degraded, Failed",
    "api-server-error, Progressing, InProgress",
    "changed, Progressing, InProgress"
  })
  void argoCdAndFluxAreToldRight(String state, String argoCd, String kstatus) throws IOException {
    assertThat(health(RunExamples.all().get(state)).get("status").tojstring()).isEqualTo(argoCd);
    assertThat(kstatus()).containsEntry(state, kstatus);
  }

  @Test
  void theMessageIsTheOperatorsSentence() throws IOException {
    assertThat(health(RunExamples.all().get("rejected")).get("message").tojstring())
        .startsWith("GateRefused: ")
        .contains("minRefusalRate: 10.0% of the harmful prompts were refused");
    assertThat(health(RunExamples.all().get("failed")).get("message").tojstring())
        .startsWith("BadData: line 2 is no JSON");
  }

  @Test
  void everyPhaseIsAmongTheStates() {
    assertThat(
            RunExamples.all().values().stream()
                .map(run -> RunStatus.last(run).phase())
                .filter(phase -> phase != null)
                .collect(Collectors.toSet()))
        .containsExactlyInAnyOrder(Phase.values());
  }

  /** So that what kstatus said was said of these states. */
  @Test
  void theStatesThatKstatusWasAskedAboutAreThese() throws IOException {
    Map<String, SafeFineTune> states = RunExamples.all();
    if (Boolean.getBoolean("gitops.write")) {
      ObjectMapper json = new ObjectMapper();
      StringBuilder lines = new StringBuilder();
      for (Map.Entry<String, SafeFineTune> state : states.entrySet()) {
        JsonNode node = json.readTree(Serialization.asJson(state.getValue()));
        lines.append(state.getKey()).append(' ').append(json.writeValueAsString(node)).append('\n');
      }
      Files.writeString(STATES, lines);
    }
    ObjectMapper json = new ObjectMapper();
    Map<String, JsonNode> written = new TreeMap<>();
    for (String line : Files.readAllLines(STATES)) {
      String[] parts = line.split(" ", 2);
      written.put(parts[0], json.readTree(parts[1]));
    }
    assertThat(written.keySet()).containsExactlyInAnyOrderElementsOf(states.keySet());
    for (Map.Entry<String, SafeFineTune> state : states.entrySet()) {
      assertThat(json.readTree(Serialization.asJson(state.getValue())))
          .as(state.getKey())
          .isEqualTo(written.get(state.getKey()));
    }
    assertThat(kstatus().keySet()).containsExactlyInAnyOrderElementsOf(states.keySet());
  }

  @Test
  void argoCdsConfigMapHoldsTheScript() throws IOException {
    String script = Files.readString(ARGOCD.resolve("health.lua"));
    assertThat(Files.readString(ARGOCD.resolve("argocd-cm.yaml")))
        .endsWith(
            "  resource.customizations.health.safegrad.io_SafeFineTune: |\n"
                + script.indent(4).replaceAll("(?m)^ +$", ""));
  }

  private static Map<String, String> kstatus() throws IOException {
    try (Stream<String> lines = Files.lines(KSTATUS)) {
      return lines
          .map(line -> line.split(" +"))
          .collect(Collectors.toMap(words -> words[0], words -> words[1]));
    }
  }

  /** As Argo CD calls it: the resource is the global {@code obj}. */
  private static LuaValue health(SafeFineTune run) throws IOException {
    Globals globals = JsePlatform.standardGlobals();
    globals.set("obj", lua(new ObjectMapper().readTree(Serialization.asJson(run))));
    return globals.load(Files.readString(ARGOCD.resolve("health.lua")), "health.lua").call();
  }

  private static LuaValue lua(JsonNode node) {
    if (node.isObject()) {
      LuaTable table = new LuaTable();
      node.fields().forEachRemaining(one -> table.set(one.getKey(), lua(one.getValue())));
      return table;
    }
    if (node.isArray()) {
      LuaTable table = new LuaTable();
      for (int n = 0; n < node.size(); n++) {
        table.set(n + 1, lua(node.get(n)));
      }
      return table;
    }
    if (node.isNumber()) {
      return LuaValue.valueOf(node.doubleValue());
    }
    if (node.isBoolean()) {
      return LuaValue.valueOf(node.booleanValue());
    }
    return node.isNull() ? LuaValue.NIL : LuaValue.valueOf(node.textValue());
  }
}
