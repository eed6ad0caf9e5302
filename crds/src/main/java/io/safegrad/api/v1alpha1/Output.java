package io.safegrad.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;

/** Where the results go. */
public record Output(
    @Required
        @Size(min = 1, max = 1024)
        @Pattern(Sources.WRITABLE)
        @JsonPropertyDescription(
            "The directory that receives the PEFT adapter and report.json: pvc://claim/path or"
                + " file:///path. Nothing of it is written before the gate holds, except the"
                + " report.")
        String destination) {}
