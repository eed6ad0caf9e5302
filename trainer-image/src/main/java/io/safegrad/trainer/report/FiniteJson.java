package io.safegrad.trainer.report;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;
import java.io.IOException;

/**
 * JSON as RFC 8259 knows it: a number that is not finite becomes null. Fields stand in the order of
 * the record's components.
 */
public final class FiniteJson {

  private FiniteJson() {}

  /** On one line. */
  public static ObjectMapper compact() {
    SimpleModule finite = new SimpleModule();
    finite.addSerializer(double.class, new FiniteDouble());
    finite.addSerializer(Double.class, new FiniteDouble());
    return JsonMapper.builder().addModule(finite).build();
  }

  /** Indented, for files that people read. */
  public static ObjectMapper indented() {
    return compact().enable(SerializationFeature.INDENT_OUTPUT);
  }

  private static final class FiniteDouble extends StdSerializer<Double> {

    private static final long serialVersionUID = 1L;

    FiniteDouble() {
      super(Double.class);
    }

    @Override
    public void serialize(Double value, JsonGenerator json, SerializerProvider provider)
        throws IOException {
      if (Double.isFinite(value)) {
        json.writeNumber(value);
      } else {
        json.writeNull();
      }
    }
  }
}
