package io.safegrad.operator;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.BeanDescription;
import com.fasterxml.jackson.databind.DeserializationConfig;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.deser.BeanDeserializerModifier;
import com.fasterxml.jackson.databind.deser.std.DelegatingDeserializer;
import com.fasterxml.jackson.databind.module.SimpleModule;
import io.safegrad.api.v1alpha1.SafetyPolicy;
import io.safegrad.operator.plan.NotUnderstood;
import java.io.IOException;

/** Reads policies as leniently as all else, but notes what is lost thereby. */
final class PolicyModule extends SimpleModule {

  private static final long serialVersionUID = 1;

  PolicyModule(ObjectMapper mapper) {
    super("policies");
    setDeserializerModifier(new Noting(mapper));
  }

  private static final class Noting extends BeanDeserializerModifier {

    private static final long serialVersionUID = 1;

    private final transient ObjectMapper mapper;

    Noting(ObjectMapper mapper) {
      this.mapper = mapper;
    }

    @Override
    public JsonDeserializer<?> modifyDeserializer(
        DeserializationConfig config, BeanDescription bean, JsonDeserializer<?> deserializer) {
      return bean.getBeanClass() == SafetyPolicy.class
          ? new NotingDeserializer(deserializer, mapper)
          : deserializer;
    }
  }

  private static final class NotingDeserializer extends DelegatingDeserializer {

    private static final long serialVersionUID = 1;

    private final transient ObjectMapper mapper;

    NotingDeserializer(JsonDeserializer<?> delegatee, ObjectMapper mapper) {
      super(delegatee);
      this.mapper = mapper;
    }

    @Override
    protected JsonDeserializer<?> newDelegatingInstance(JsonDeserializer<?> delegatee) {
      return new NotingDeserializer(delegatee, mapper);
    }

    @Override
    public Object deserialize(JsonParser parser, DeserializationContext context)
        throws IOException {
      JsonNode stored = context.readTree(parser);
      try (JsonParser again = stored.traverse(parser.getCodec())) {
        again.nextToken();
        SafetyPolicy policy = (SafetyPolicy) super.deserialize(again, context);
        if (policy.getMetadata() != null) {
          NotUnderstood.note(policy, stored.path("spec"), mapper.valueToTree(policy.getSpec()));
        }
        return policy;
      }
    }
  }
}
