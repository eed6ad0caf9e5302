package io.safegrad.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;

/** Where the results go. */
@ValidationRule(
    value = "!has(self.secretRef) || self.destination.startsWith('s3://')",
    message = "secretRef is for an s3:// destination")
public record Output(
    @Required
        @Size(min = 1, max = 1024)
        @Pattern(Sources.WRITABLE)
        @JsonPropertyDescription(
            "The directory that receives the PEFT adapter and report.json: pvc://claim/path,"
                + " file:///path or s3://bucket/prefix. Nothing of it is written before the gate"
                + " holds, except the report.")
        String destination,
    @JsonPropertyDescription(
            "A Secret in the run's namespace with the keys for an s3:// destination: "
                + Sources.KEYS_DOC
                + ".")
        SecretReference secretRef) {}
