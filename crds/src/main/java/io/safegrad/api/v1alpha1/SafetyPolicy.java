package io.safegrad.api.v1alpha1;

import io.fabric8.crd.generator.annotation.AdditionalPrinterColumn;
import io.fabric8.kubernetes.client.CustomResource;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.Kind;
import io.fabric8.kubernetes.model.annotation.Plural;
import io.fabric8.kubernetes.model.annotation.Singular;
import io.fabric8.kubernetes.model.annotation.Version;

/** What the platform demands of every SafeFineTune in the namespaces it selects. */
@Group(SafeFineTune.GROUP)
@Version(SafeFineTune.VERSION)
@Kind("SafetyPolicy")
@Plural("safetypolicies")
@Singular("safetypolicy")
@AdditionalPrinterColumn(
    name = "Age",
    jsonPath = ".metadata.creationTimestamp",
    type = AdditionalPrinterColumn.Type.DATE)
public class SafetyPolicy extends CustomResource<SafetyPolicySpec, Void> {}
