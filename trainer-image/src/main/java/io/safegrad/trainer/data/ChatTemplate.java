package io.safegrad.trainer.data;

import com.hubspot.jinjava.interpret.RenderResult;
import com.hubspot.jinjava.interpret.TemplateError;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A model's Jinja chat template, rendered as Hugging Face's {@code apply_chat_template} does:
 * {@code trim_blocks} and {@code lstrip_blocks} on, special tokens as variables, {@code
 * raise_exception}, {@code strftime_now} and {@code tojson} at hand.
 *
 * <p>A template comes with the model and is not trusted: it can reach neither files nor classes,
 * and its output, its nesting and its time are bounded. Safe for use by several threads.
 */
public final class ChatTemplate {

  private static final int MAX_BRACKETS = 200;

  private static final Duration MAX_RENDER_TIME = Duration.ofSeconds(10);

  private final String template;
  private final String source;
  private final Map<String, String> specialTokens;
  private final TimeLimit timeLimit;
  private final JinjaEnvironment environment = new JinjaEnvironment();

  private ChatTemplate(
      String template, String source, Map<String, String> specialTokens, Duration timeLimit) {
    this.template = template;
    this.source = source;
    this.specialTokens = Map.copyOf(specialTokens);
    this.timeLimit = new TimeLimit(timeLimit);
  }

  /**
   * A template from its text.
   *
   * @param source names where the text is from in errors
   * @param specialTokens variables of the template, for example {@code bos_token}
   */
  public static ChatTemplate of(String text, String source, Map<String, String> specialTokens) {
    return of(text, source, specialTokens, MAX_RENDER_TIME);
  }

  /** The same with another limit for one rendering. */
  public static ChatTemplate of(
      String text, String source, Map<String, String> specialTokens, Duration timeLimit) {
    if (brackets(text) > MAX_BRACKETS) {
      throw new TrainerException(
          ExitReason.BAD_DATA,
          source
              + ": expected a chat template with at most "
              + MAX_BRACKETS
              + " brackets in one another, found more");
    }
    return new ChatTemplate(PythonSyntax.adapt(text), source, specialTokens, timeLimit);
  }

  /** How many brackets are open at once; Jinjava reads an expression by recursion. */
  private static int brackets(String text) {
    int deepest = 0;
    int open = 0;
    for (int i = 0; i < text.length(); i++) {
      if ("([{".indexOf(text.charAt(i)) >= 0) {
        open++;
        deepest = Math.max(deepest, open);
      } else if (")]}".indexOf(text.charAt(i)) >= 0) {
        open = Math.max(0, open - 1);
      }
    }
    return deepest;
  }

  /** Stands for the template of a model that has none: it refuses to render. */
  public static ChatTemplate missing(String source) {
    return new ChatTemplate(null, source, Map.of(), MAX_RENDER_TIME);
  }

  /** Whether the model has no template. */
  public boolean isMissing() {
    return template == null;
  }

  /** The text of a chat without tools. */
  public String render(List<Message> messages, boolean addGenerationPrompt) {
    return render(messages, List.of(), addGenerationPrompt);
  }

  /**
   * The text of a chat.
   *
   * @param tools the tools that the assistant may call, in the form that the template expects
   * @param addGenerationPrompt whether the text ends with the start of an assistant's turn
   * @throws TrainerException with BAD_DATA when the model has no template, or its template refuses
   *     the chat or cannot be rendered; never quotes a message
   */
  public String render(List<Message> messages, List<Object> tools, boolean addGenerationPrompt) {
    if (template == null) {
      throw new TrainerException(
          ExitReason.BAD_DATA,
          source
              + ": the model has no chat template; expected chat_template.jinja or the field"
              + " chat_template of tokenizer_config.json, or data as texts in prompt and"
              + " completion");
    }
    Map<String, Object> variables = new HashMap<>(specialTokens);
    variables.put("messages", messages.stream().map(ChatTemplate::variable).toList());
    variables.put("add_generation_prompt", addGenerationPrompt);
    if (!tools.isEmpty()) {
      variables.put("tools", tools);
    }
    // Templates ask whether these are defined; Jinjava looks for a variable of the name.
    variables.put("strftime_now", "a function");
    variables.put("raise_exception", "a function");
    RenderResult result = rendered(variables);
    if (result.hasErrors()) {
      throw failure(result.getErrors().get(0));
    }
    // Jinjava passes over filters and tests that it does not know.
    PythonJinja.unknownName(result.getContext())
        .ifPresent(
            name -> {
              throw new TrainerException(
                  ExitReason.BAD_DATA,
                  source + ": the chat template could not be rendered: it needs " + name);
            });
    return result.getOutput();
  }

  private RenderResult rendered(Map<String, Object> variables) {
    Runnable check = timeLimit.check();
    try {
      // A single expression may take forever: lists that hold one another twice, compared.
      return timeLimit.within(() -> rendered(variables, check));
    } catch (TimeLimit.Exceeded e) {
      throw tooLong(e);
    }
  }

  private RenderResult rendered(Map<String, Object> variables, Runnable check) {
    try {
      return environment.render(template, variables, check);
    } catch (OutOfMemoryError e) {
      throw new TrainerException(
          ExitReason.OUT_OF_MEMORY,
          source + ": the chat template could not be rendered: it needs more memory than there is",
          e);
    } catch (StackOverflowError e) {
      throw new TrainerException(
          ExitReason.BAD_DATA,
          source + ": the chat template could not be rendered: it is nested too deeply",
          e);
    }
  }

  private TrainerException tooLong(TimeLimit.Exceeded cause) {
    return new TrainerException(
        ExitReason.BAD_DATA,
        source + ": the chat template could not be rendered: " + cause.getMessage(),
        cause);
  }

  private static Map<String, Object> variable(Message message) {
    Map<String, Object> variable = new LinkedHashMap<>();
    variable.put("role", message.role());
    variable.put("content", message.content());
    variable.putAll(message.more());
    return variable;
  }

  private TrainerException failure(TemplateError error) {
    for (Throwable cause = error.getException(); cause != null; cause = cause.getCause()) {
      if (cause instanceof PythonJinja.RaisedByTemplate raised) {
        // A template may build its message from the chat; only its own words may be repeated.
        return new TrainerException(
            ExitReason.BAD_DATA,
            source
                + ": the chat template refuses this chat"
                + (template.contains(raised.getMessage()) ? ": " + raised.getMessage() : ""),
            cause);
      }
      if (cause instanceof TimeLimit.Exceeded exceeded) {
        return tooLong(exceeded);
      }
    }
    return new TrainerException(
        ExitReason.BAD_DATA,
        source
            + ": the chat template could not be rendered ("
            + (error.getLineno() > 0 ? "line " + error.getLineno() + ", " : "")
            + error.getReason()
            + ")",
        error.getException());
  }
}
