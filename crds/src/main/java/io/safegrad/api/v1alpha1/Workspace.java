package io.safegrad.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import io.fabric8.kubernetes.api.model.Quantity;

/** The trainer's working volume. It lives as long as its pod; checkpoints lie with the output. */
@ValidationRule(
    value = "!has(self.storageClassName) || has(self.size)",
    message = Workspace.SIZE_MESSAGE)
public record Workspace(
    @JsonPropertyDescription(
            "How much it may hold, for example 50Gi. A pod that goes beyond it is evicted, or finds"
                + " its disk full. No limit but the node's own when absent.")
        Quantity size,
    @Size(min = 1, max = 253)
        @JsonPropertyDescription(
            "A volume of this StorageClass is claimed for each pod and removed with it. The node's"
                + " own disk when absent.")
        String storageClassName) {

  public static final String SIZE_MESSAGE = "a storageClassName needs a size";
}
