package io.safegrad.trainer.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.filter.AdvancedFilter;
import java.util.Map;

/** {@code tojson} as Hugging Face defines it: {@code json.dumps} without escaping for HTML. */
final class PythonJsonFilter implements AdvancedFilter {

  @Override
  public String getName() {
    return "tojson";
  }

  @Override
  public Object filter(
      Object value, JinjavaInterpreter interpreter, Object[] args, Map<String, Object> kwargs) {
    Object indent = args.length > 0 ? args[0] : kwargs.get("indent");
    Separators separators =
        new Separators()
            .withObjectFieldValueSpacing(Separators.Spacing.AFTER)
            .withObjectEntrySpacing(
                indent == null ? Separators.Spacing.AFTER : Separators.Spacing.NONE)
            .withArrayValueSpacing(
                indent == null ? Separators.Spacing.AFTER : Separators.Spacing.NONE)
            .withObjectEmptySeparator("")
            .withArrayEmptySeparator("");
    DefaultPrettyPrinter printer = new DefaultPrettyPrinter(separators);
    if (indent instanceof Number spaces) {
      DefaultIndenter indenter = new DefaultIndenter(" ".repeat(spaces.intValue()), "\n");
      printer.indentObjectsWith(indenter);
      printer.indentArraysWith(indenter);
    } else {
      printer.indentObjectsWith(new DefaultPrettyPrinter.NopIndenter());
      printer.indentArraysWith(new DefaultPrettyPrinter.NopIndenter());
    }
    try {
      return new ObjectMapper().writer(printer).writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("tojson: the value cannot be written as JSON", e);
    }
  }
}
