package io.safegrad.trainer.provenance;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.safegrad.api.TrainingPlan;
import io.safegrad.trainer.report.RunVersions;
import java.util.List;
import java.util.Map;

/**
 * An in-toto Statement v1 with an SLSA Provenance v1 predicate: these files came out of this plan,
 * these inputs and this code.
 *
 * @param type {@value #TYPE}
 * @param subject every published file but the one that holds this
 * @param predicateType {@value #PREDICATE_TYPE}
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Statement(
    @JsonProperty("_type") String type,
    List<Resource> subject,
    String predicateType,
    Predicate predicate) {

  public static final String TYPE = "https://in-toto.io/Statement/v1";
  public static final String PREDICATE_TYPE = "https://slsa.dev/provenance/v1";
  public static final String BUILD_TYPE = "https://safegrad.io/SafeFineTune/v1alpha1";
  public static final String BUILDER = "https://safegrad.io/safegrad-trainer";

  /**
   * A file, a model or a data set.
   *
   * @param name relative to the published directory; of an input, the plan's field that names it
   * @param uri where an input was read from; null for a published file
   * @param digest of {@code sha256}: 64 hexadecimal digits
   * @param annotations digests of its parts; null where there are none
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Resource(
      String name, String uri, Map<String, String> digest, PartDigests annotations) {

    /** The digest as reports have it: {@code sha256:…}. */
    String sha256() {
      return "sha256:" + digest.get("sha256");
    }
  }

  /** SLSA's two halves: what was asked for, and who did it when. */
  public record Predicate(BuildDefinition buildDefinition, RunDetails runDetails) {}

  /**
   * What was asked for.
   *
   * @param externalParameters what is under the control of the run's user and the platform
   * @param internalParameters what the result may depend on beside that
   * @param resolvedDependencies model, data sets and code
   */
  public record BuildDefinition(
      String buildType,
      ExternalParameters externalParameters,
      RunVersions internalParameters,
      List<Resource> resolvedDependencies) {}

  /**
   * The whole plan.
   *
   * @param plan carries its own digest
   */
  public record ExternalParameters(@JsonInclude(JsonInclude.Include.NON_NULL) TrainingPlan plan) {}

  /** Who did it, and when. */
  public record RunDetails(Builder builder, Metadata metadata) {}

  /**
   * The program.
   *
   * @param version by the name of each component
   */
  public record Builder(String id, Map<String, String> version) {}

  /**
   * The run.
   *
   * @param invocationId {@code namespace/name} of the SafeFineTune
   * @param startedOn ISO 8601 in UTC
   */
  public record Metadata(String invocationId, String startedOn, String finishedOn) {}
}
