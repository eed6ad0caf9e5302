package io.safegrad.trainer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.GoldenFiles;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ChatTemplateTest {

  private static final Map<String, String> SPECIAL_TOKENS =
      Map.of("bos_token", "<|im_start|>", "eos_token", "<|im_end|>", "pad_token", "<|endoftext|>");

  private static final List<Message> CHAT = List.of(new Message("user", "private words"));

  @TestFactory
  List<DynamicTest> rendersAsTransformersDoes() throws IOException {
    List<DynamicTest> tests = new ArrayList<>();
    for (String name :
        List.of(
            "gemma",
            "gemma3",
            "llama3",
            "llama3_1",
            "llama3_2",
            "mistral_form",
            "mistral_v0_3",
            "phi3",
            "phi3_5",
            "python_forms",
            "qwen2_5",
            "qwen3",
            "qwen3_instruct_2507",
            "smollm2",
            "smollm3_form")) {
      Path file = GoldenFiles.path("templates/" + name + ".jinja");
      ChatTemplate template = ChatTemplate.of(Files.readString(file), name, SPECIAL_TOKENS);
      for (JsonNode golden : GoldenFiles.json("templates/" + name + ".json")) {
        String chat = golden.path("chat").asText();
        boolean generation = golden.path("add_generation_prompt").asBoolean();
        tests.add(
            DynamicTest.dynamicTest(
                name + ": " + chat + (generation ? ", to be answered" : ""),
                () -> rendersAs(template, golden, generation)));
      }
    }
    return tests;
  }

  private static void rendersAs(ChatTemplate template, JsonNode golden, boolean generation) {
    DataRecord record = new DataRecord((ObjectNode) golden, 1, "golden");
    List<Message> messages = JsonFields.messages(record, "messages");
    List<Object> tools = JsonFields.tools(record);
    if (golden.has("error")) {
      assertThatThrownBy(() -> template.render(messages, tools, generation))
          .isInstanceOf(TrainerException.class)
          .hasMessageContaining(golden.path("error").asText());
    } else {
      assertThat(template.render(messages, tools, generation))
          .isEqualTo(golden.path("text").asText());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ messages.getClass() }}",
        "{{ ''.getClass() }}",
        "{{ ''.class }}{{ ''.getBytes() }}",
        "{{ messages[0].role.getClass().forName('java.lang.Runtime') }}",
        "{{ ____int3rpr3t3r____.getConfig() }}",
        "{{ ____int3rpr3t3r____.render('x') }}",
        "{% include 'META-INF/MANIFEST.MF' %}",
        "{% import 'META-INF/MANIFEST.MF' as m %}",
        "{% from 'META-INF/MANIFEST.MF' import m %}",
        "{% extends 'META-INF/MANIFEST.MF' %}",
        "{{ '{{ 1 }}'|render }}",
        "{{ 'a'|regex_replace('(a+)+b', 'x') }}",
        "{{ messages.no_such_method() }}",
        "{{ no_such_function('x') }}",
        "{{ 'x'|no_such_filter }}",
        "{{ 1 is no_such_test }}",
        "{% if messages %}",
        "{{ messages[0 }}",
      })
  void aTemplateReachesNothingButTheChat(String text) {
    ChatTemplate template = ChatTemplate.of(text, "model", Map.of());

    assertThatThrownBy(() -> template.render(CHAT, true))
        .isInstanceOf(TrainerException.class)
        .hasMessageStartingWith("model: the chat template could not be rendered")
        .hasMessageNotContaining("private words")
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(ExitReason.BAD_DATA);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% for i in range(900) %}{% for j in range(900) %}{{ i }}{% endfor %}{% endfor %}",
        "{% set ns = namespace(s='0123456789') %}{% for i in range(60) %}"
            + "{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s|length }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
      })
  @Timeout(60)
  void aTemplateThatNeverStopsIsStopped(String text) {
    ChatTemplate template = ChatTemplate.of(text, "model", Map.of(), Duration.ofMillis(50));

    assertThatThrownBy(() -> template.render(CHAT, true)).isInstanceOf(TrainerException.class);
  }

  /** The time is not looked at in an expression: one doubles with each pass of the loop. */
  @ParameterizedTest
  @ValueSource(strings = {"ns.x == ns.y", "ns.x|tojson|length", "[ns.x].index(ns.y)"})
  @Timeout(60)
  void anExpressionThatTakesForeverIsStopped(String expression) {
    ChatTemplate template =
        ChatTemplate.of(
            "{% set ns = namespace(x=[0], y=[0]) %}{% for i in range(22) %}"
                + "{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ "
                + expression
                + " }}",
            "model",
            Map.of(),
            Duration.ofMillis(50));

    assertThatThrownBy(() -> template.render(CHAT, true))
        .isInstanceOf(TrainerException.class)
        .hasMessage("model: the chat template could not be rendered: it takes longer than 0.05 s");
  }

  /** A scope with all filters serves many renderings. */
  @Test
  void oneRenderingLeavesNothingToTheNext() {
    ChatTemplate template =
        ChatTemplate.of(
            "{% if messages|length > 1 %}{% macro m() %}1{% endmacro %}{% set x = 2 %}"
                + "{{ m() }}{% set ns = namespace(y=4) %}{% set __macros__ = {'m': 3} %}{% endif %}"
                + "{{ x is defined }} {{ ns is defined }} {{ m is defined }}",
            "model", Map.of());
    String alone = template.render(CHAT, false);

    template.render(List.of(CHAT.get(0), CHAT.get(0)), false);

    assertThat(template.render(CHAT, false)).isEqualTo(alone).isEqualTo("false false false");
  }

  /** What Python gives for the same expressions. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      value = {
        "range(3)|join(',') ~ 0,1,2",
        "range(2, 5)|join(',') ~ 2,3,4",
        "range(5, 0, -2)|join(',') ~ 5,3,1",
        "range(0)|length ~ 0",
        "range(1500)|length ~ 1500",
        "messages|length ~ 1",
        "'äö😀'|length ~ 3",
        "{'a': 1, 'b': 2}|count ~ 2",
        "['a', 'b', 'c'].index('c') ~ 2",
        "['a', 'b', 'a'].count('a') ~ 2",
        "'a/b/c'.rsplit('/', 1)|join(' ') ~ a/b c",
        "'a/b/c'.rsplit('/')|join(' ') ~ a b c",
        "'a/b/c'.split('/', 1)|join(' ') ~ a b/c",
        "'abc'[-1] ~ c",
        "'abc'[1:] ~ bc",
        "'abc'[::-1] ~ cba",
        "'a b  c'.split()|join('-') ~ a-b-c",
        "'a b  c '.rsplit(none, 1)|join('-') ~ a b-c",
        "' a b  c'.split(none, 1)|join('-') ~ a-b  c",
      })
  void expressionsGiveWhatPythonGives(String expression, String expected) {
    assertThat(ChatTemplate.of("{{ " + expression + " }}", "m", Map.of()).render(CHAT, false))
        .isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "range(1, 5, 0)|join",
        "range('a')|join",
        "['a'].index('b')",
        "'abc'.rsplit('')",
        "'abc'.index('d')",
        "3|length",
      })
  void whatPythonRefusesIsRefused(String expression) {
    ChatTemplate template = ChatTemplate.of("{{ " + expression + " }}", "m", Map.of());

    assertThatThrownBy(() -> template.render(CHAT, false))
        .isInstanceOf(TrainerException.class)
        .hasMessageStartingWith("m: the chat template could not be rendered");
  }

  @Test
  void bracesInAMessageAreText() {
    ChatTemplate template =
        ChatTemplate.of("{{ messages[0].content }}", "model", Map.of("secret", "s"));

    assertThat(template.render(List.of(new Message("user", "{{ secret }}{% x %}{# y #}")), true))
        .isEqualTo("{{ secret }}{% x %}{# y #}");
  }

  @Test
  void anErrorRepeatsTheTemplatesWordsOnly() {
    ChatTemplate own = ChatTemplate.of("{{ raise_exception('no such chat') }}", "m", Map.of());
    ChatTemplate quoting =
        ChatTemplate.of("{{ raise_exception(messages[0].content) }}", "m", Map.of());

    assertThatThrownBy(() -> own.render(CHAT, true))
        .hasMessage("m: the chat template refuses this chat: no such chat");
    assertThatThrownBy(() -> quoting.render(CHAT, true))
        .hasMessage("m: the chat template refuses this chat");
  }

  @Test
  void aModelWithoutATemplateSaysSo() {
    assertThatThrownBy(() -> ChatTemplate.missing("/model").render(CHAT, true))
        .isInstanceOf(TrainerException.class)
        .hasMessageStartingWith("/model: the model has no chat template");
  }
}
