package io.safegrad.api.v1alpha1;

import io.fabric8.crd.generator.annotation.AdditionalPrinterColumn;
import io.fabric8.kubernetes.api.model.Namespaced;
import io.fabric8.kubernetes.client.CustomResource;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.Kind;
import io.fabric8.kubernetes.model.annotation.Plural;
import io.fabric8.kubernetes.model.annotation.ShortNames;
import io.fabric8.kubernetes.model.annotation.Singular;
import io.fabric8.kubernetes.model.annotation.Version;

/** One fine-tune of a language model that keeps the model's safety alignment. */
@Group(SafeFineTune.GROUP)
@Version(SafeFineTune.VERSION)
@Kind("SafeFineTune")
@Plural("safefinetunes")
@Singular("safefinetune")
@ShortNames("sft")
@AdditionalPrinterColumn(
    name = "Age",
    jsonPath = ".metadata.creationTimestamp",
    type = AdditionalPrinterColumn.Type.DATE)
public class SafeFineTune extends CustomResource<SafeFineTuneSpec, SafeFineTuneStatus>
    implements Namespaced {

  public static final String GROUP = "safegrad.io";
  public static final String VERSION = "v1alpha1";
}
