package io.safegrad.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;

/** A Secret in the run's namespace. Its content is never copied. */
public record SecretReference(
    @Required @Size(min = 1, max = 253) @JsonPropertyDescription("Name of the Secret.")
        String name) {}
