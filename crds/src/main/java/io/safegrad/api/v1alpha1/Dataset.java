package io.safegrad.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;

/** The examples a run learns from. */
@ValidationRule(value = Sources.DIGEST_RULE, message = Sources.DIGEST_MESSAGE)
@ValidationRule(value = Sources.REVISION_RULE, message = Sources.REVISION_MESSAGE)
public record Dataset(
    @Required
        @Size(min = 1, max = 1024)
        @Pattern(Sources.DATA)
        @JsonPropertyDescription(
            "A JSON Lines file: builtin://name, file:///path, pvc://claim/path, hf://datasets/org/name/path or https://host/path. Each line is a"
                + " chat ({\"messages\": [{\"role\": …, \"content\": …}]}) or a pair ({\"prompt\": …,"
                + " \"completion\": …}). The loss is taken on the assistant's last turn or the"
                + " completion only.")
        String source,
    @Size(max = 255) @Pattern(Sources.REVISION) @JsonPropertyDescription(Sources.REVISION_DOC)
        String revision,
    @Pattern(Sources.DIGEST) @JsonPropertyDescription(Sources.DIGEST_DOC) String digest) {}
