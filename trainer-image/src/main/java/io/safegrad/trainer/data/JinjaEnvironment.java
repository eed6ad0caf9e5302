package io.safegrad.trainer.data;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.LegacyOverrides;
import com.hubspot.jinjava.interpret.Context;
import com.hubspot.jinjava.interpret.Context.Library;
import com.hubspot.jinjava.interpret.InterpretException;
import com.hubspot.jinjava.interpret.InvalidArgumentException;
import com.hubspot.jinjava.interpret.InvalidInputException;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.interpret.RenderResult;
import com.hubspot.jinjava.interpret.TemplateError;
import com.hubspot.jinjava.interpret.TemplateSyntaxException;
import com.hubspot.jinjava.loader.ResourceNotFoundException;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Jinja as Hugging Face sets it up for chat templates, with bounds for those that are not trusted.
 * Safe for use by several threads.
 */
final class JinjaEnvironment {

  /** Longest text that a template may make. */
  static final int MAX_OUTPUT_CHARACTERS = 16 << 20;

  static final int MAX_COLLECTION_SIZE = 100_000;

  private static final int MAX_DEPTH = 50;

  private final Jinjava jinjava = new Jinjava(bounds().build());

  // Scopes with all filters, tests, tags and functions, and nothing else: making one takes longer
  // than most renderings.
  private final Queue<Context> scopes = new ConcurrentLinkedQueue<>();

  JinjaEnvironment() {
    jinjava.setResourceLocator(
        (name, encoding, interpreter) -> {
          throw new ResourceNotFoundException("a chat template is one file");
        });
    PythonJinja.register(jinjava);
  }

  /**
   * Renders a template.
   *
   * @param check run before each part of the template; what it throws is among the errors
   */
  RenderResult render(String template, Map<String, Object> variables, Runnable check) {
    JinjavaConfig config =
        bounds().withNodePreProcessor((node, interpreter) -> check.run()).build();
    Context scope = scopes.poll();
    if (scope == null) {
      scope = jinjava.getGlobalContextCopy();
    }
    Context context = new Context(scope, variables, config.getDisabled());
    JinjavaInterpreter interpreter = new JinjavaInterpreter(jinjava, context, config);
    JinjavaInterpreter.pushCurrent(interpreter);
    try {
      String text = interpreter.render(template);
      RenderResult result =
          new RenderResult(text, interpreter.getContext(), interpreter.getErrorsCopy());
      giveBack(scope);
      return result;
    } catch (RuntimeException e) {
      return new RenderResult(error(e), interpreter.getContext(), interpreter.getErrorsCopy());
    } finally {
      JinjavaInterpreter.popCurrent();
    }
  }

  /** What one rendering leaves behind must not be seen by the next. */
  private void giveBack(Context scope) {
    scope.reset();
    scope.getScope().clear();
    scopes.add(scope);
  }

  private static TemplateError error(RuntimeException thrown) {
    if (thrown instanceof TemplateSyntaxException e) {
      return TemplateError.fromException(e);
    }
    if (thrown instanceof InterpretException e) {
      return TemplateError.fromSyntaxError(e);
    }
    if (thrown instanceof InvalidArgumentException e) {
      return TemplateError.fromInvalidArgumentException(e);
    }
    if (thrown instanceof InvalidInputException e) {
      return TemplateError.fromInvalidInputException(e);
    }
    return TemplateError.fromException(thrown);
  }

  private static JinjavaConfig.Builder bounds() {
    return JinjavaConfig.newBuilder()
        .withLegacyOverrides(
            LegacyOverrides.Builder.from(LegacyOverrides.ALL)
                .withWhitespaceRequiredWithinTokens(false)
                .build())
        // Otherwise braces in a user's message would be run as a template.
        .withNestedInterpretationEnabled(false)
        .withElResolver(new PythonObjects())
        .withDisabled(Map.of(Library.TAG, Set.of("include", "import", "from", "extends", "block")))
        .withMaxOutputSize(MAX_OUTPUT_CHARACTERS)
        .withMaxStringLength(MAX_OUTPUT_CHARACTERS)
        .withMaxListSize(MAX_COLLECTION_SIZE)
        .withMaxMapSize(MAX_COLLECTION_SIZE)
        .withMaxRenderDepth(MAX_DEPTH)
        .withEnableRecursiveMacroCalls(true)
        .withMaxMacroRecursionDepth(MAX_DEPTH);
  }
}
