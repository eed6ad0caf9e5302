package io.safegrad.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;

/** A file of examples or prompts that is read beside the platform's. */
@ValidationRule(value = Sources.DIGEST_RULE, message = Sources.DIGEST_MESSAGE)
@ValidationRule(value = Sources.REVISION_RULE, message = Sources.REVISION_MESSAGE)
public record DataSource(
    @Required
        @Size(min = 1, max = 1024)
        @Pattern(Sources.DATA)
        @JsonPropertyDescription("Any file that dataset.source may be.")
        String source,
    @Size(max = 255) @Pattern(Sources.REVISION) @JsonPropertyDescription(Sources.REVISION_DOC)
        String revision,
    @Pattern(Sources.DIGEST) @JsonPropertyDescription(Sources.DIGEST_DOC) String digest) {}
