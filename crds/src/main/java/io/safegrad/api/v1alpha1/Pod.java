package io.safegrad.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Size;
import io.fabric8.kubernetes.api.model.Affinity;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import io.fabric8.kubernetes.api.model.Toleration;
import io.soabase.recordbuilder.core.RecordBuilder;
import java.util.List;
import java.util.Map;

/** Where and with what the trainer's pod runs. */
@RecordBuilder
public record Pod(
    @Size(min = 1, max = 512)
        @JsonPropertyDescription("The trainer's image. The operator's own choice when absent.")
        String image,
    @JsonPropertyDescription("Compute resources of the trainer's container.")
        ResourceRequirements resources,
    @Size(max = 64) @JsonPropertyDescription("Labels a node must have.")
        Map<String, String> nodeSelector,
    @Size(max = 64) @JsonPropertyDescription("Taints the pod tolerates.")
        List<Toleration> tolerations,
    @JsonPropertyDescription("Scheduling constraints.") Affinity affinity,
    @Size(max = 253) @JsonPropertyDescription("Name of the pod's PriorityClass.")
        String priorityClassName,
    @Size(max = 253) @JsonPropertyDescription("Name of the pod's RuntimeClass.")
        String runtimeClassName,
    @JsonPropertyDescription(
            "The volume that downloaded models and data are kept on while the run works.")
        Workspace workspace) {}
