package io.safegrad.operator;

import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.deser.DeserializationProblemHandler;
import io.quarkus.kubernetes.client.KubernetesClientObjectMapperCustomizer;
import jakarta.inject.Singleton;

/**
 * Reads what is stored in the cluster without complaint: a field or an enum value of a newer CRD,
 * or a number that the API server takes and a field here does not hold, would otherwise end the
 * watch, and with it the reconciliation of every resource.
 */
@Singleton
public class LenientObjectMapper implements KubernetesClientObjectMapperCustomizer {

  @Override
  public void customize(ObjectMapper mapper) {
    mapper.disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);
    mapper.enable(DeserializationFeature.READ_UNKNOWN_ENUM_VALUES_AS_NULL);
    mapper.addHandler(new Saturating());
    mapper.registerModule(new PolicyModule(mapper));
  }

  /** A whole number beyond its type, up to the 64 bits that the API server takes. */
  private static final class Saturating extends DeserializationProblemHandler {

    @Override
    public Object handleWeirdStringValue(
        DeserializationContext context, Class<?> type, String value, String failure) {
      if (type != Integer.class || !value.matches("-?\\d{1,19}")) {
        return NOT_HANDLED;
      }
      return value.startsWith("-") ? Integer.MIN_VALUE : Integer.MAX_VALUE;
    }
  }
}
