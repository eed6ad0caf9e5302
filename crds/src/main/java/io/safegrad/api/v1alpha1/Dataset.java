package io.safegrad.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;

/** The examples a run learns from. */
public record Dataset(
    @Required
        @Size(min = 1, max = 1024)
        @Pattern(Sources.READABLE)
        @JsonPropertyDescription(
            "A JSON Lines file: builtin://name, file:///path or pvc://claim/path. Each line is a"
                + " chat ({\"messages\": [{\"role\": …, \"content\": …}]}) or a pair ({\"prompt\": …,"
                + " \"completion\": …}). The loss is taken on the assistant's last turn or the"
                + " completion only.")
        String source) {}
