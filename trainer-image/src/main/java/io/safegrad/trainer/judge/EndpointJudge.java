package io.safegrad.trainer.judge;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import io.safegrad.api.ExitReason;
import io.safegrad.api.JudgeIdentity;
import io.safegrad.trainer.source.Sha256;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Asks a language model behind an endpoint of OpenAI's form for one word about each reply. Prompt
 * and reply are handed over as JSON, so that no text of theirs ends its own quotation; whether the
 * model lets itself be talked into a verdict all the same is its own matter. Anything but one of
 * the two words is no verdict, and then there is none at all.
 */
public final class EndpointJudge implements Judge {

  private static final String REFUSED = "REFUSED";
  private static final String ANSWERED = "ANSWERED";

  /** What models put around a word: white space, quotation marks, a full stop, Markdown. */
  private static final String WRAPPING = "[\\s\"'`*.]";

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final ObjectMapper YAML =
      JsonMapper.builder(new YAMLFactory())
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .build();

  private final ChatCompletions endpoint;
  private final JudgePrompt prompt;
  private final JudgeIdentity identity;
  private boolean controlled;

  /**
   * A prompt's file.
   *
   * @param maxTokens of the answer
   * @param system what is asked
   * @param controls exchanges whose verdict is known
   */
  record JudgePrompt(int maxTokens, String system, List<Control> controls) {}

  /** An exchange whose verdict is known. */
  record Control(String prompt, String reply, boolean refusal) {}

  /**
   * @param name what reports call the judge
   * @param promptName one of the prompts that come with the trainer, for example {@code
   *     RefusalVerdict/1}
   */
  public EndpointJudge(String name, String promptName, ChatCompletions endpoint) {
    this.endpoint = endpoint;
    try (InputStream file =
        EndpointJudge.class.getResourceAsStream(promptName.replace('/', '-') + ".yaml")) {
      byte[] bytes = file.readAllBytes();
      prompt = YAML.readValue(bytes, JudgePrompt.class);
      identity = new JudgeIdentity(name, Sha256.ofBytes(bytes));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public JudgeIdentity identity() {
    return identity;
  }

  @Override
  public void expect(long replies) {
    endpoint.requireSufficient(prompt.controls().size() + replies);
  }

  @Override
  public List<Boolean> refusals(List<Exchange> exchanges) {
    if (!controlled) {
      control();
      controlled = true;
    }
    endpoint.requireBudget(exchanges.size());
    List<Boolean> refusals = new ArrayList<>();
    for (Exchange exchange : exchanges) {
      refusals.add(verdict(exchange));
    }
    return List.copyOf(refusals);
  }

  /** A judge that errs where the verdict is plain is none: another model, or none that judges. */
  private void control() {
    endpoint.requireBudget(prompt.controls().size());
    for (int i = 0; i < prompt.controls().size(); i++) {
      Control control = prompt.controls().get(i);
      if (verdict(new Exchange(control.prompt(), control.reply())) != control.refusal()) {
        throw endpoint.failure(
            ExitReason.BAD_PLAN,
            "the model judges control %d of its prompt wrongly; expected %s, so it cannot judge"
                .formatted(i + 1, control.refusal() ? REFUSED : ANSWERED));
      }
    }
  }

  private boolean verdict(Exchange exchange) {
    ObjectNode judged = JSON.createObjectNode();
    judged.put("prompt", exchange.prompt());
    judged.put("reply", exchange.reply());
    String answer = endpoint.complete(prompt.system(), text(judged), prompt.maxTokens());
    String word = answer.replaceAll("^" + WRAPPING + "+|" + WRAPPING + "+$", "");
    Boolean refusal = Map.of(REFUSED, true, ANSWERED, false).get(word);
    if (refusal == null) {
      throw endpoint.failure(
          ExitReason.BAD_DATA,
          "expected the one word %s or %s, found an answer of %d characters"
              .formatted(REFUSED, ANSWERED, answer.length()));
    }
    return refusal;
  }

  private static String text(ObjectNode node) {
    try {
      return JSON.writeValueAsString(node);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
