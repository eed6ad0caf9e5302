package io.safegrad.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import io.safegrad.api.v1alpha1.Dataset;
import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Model;
import io.safegrad.api.v1alpha1.Output;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafeFineTuneSpec;
import io.safegrad.api.v1alpha1.Safety;
import io.safegrad.api.v1alpha1.Training;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * A fully resolved run: no default is left to guess. The operator mounts it into the trainer's pod;
 * {@code safegrad-trainer run} makes the same one from a manifest.
 *
 * @param run {@code namespace/name} of the SafeFineTune
 * @param quarantine the folder under which an adapter that the gate refused is kept for the
 *     platform's auditor; null when it is discarded
 * @param digest {@code sha256:…} of the plan's canonical JSON without this field
 */
public record TrainingPlan(
    @JsonProperty(required = true) String run,
    @JsonProperty(required = true) Model model,
    @JsonProperty(required = true) Dataset dataset,
    @JsonProperty(required = true) Method method,
    @JsonProperty(required = true) Training training,
    @JsonProperty(required = true) Safety safety,
    @JsonProperty(required = true) Output output,
    String quarantine,
    @JsonProperty(required = true) String digest) {

  private static final ObjectMapper CANONICAL =
      JsonMapper.builder()
          .enable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
          .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
          .serializationInclusion(JsonInclude.Include.NON_NULL)
          .build();

  private static final ObjectMapper YAML =
      JsonMapper.builder(new YAMLFactory())
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .serializationInclusion(JsonInclude.Include.NON_NULL)
          .build();

  /**
   * The plan of a resource whose defaults are already filled in, by the API server or by {@link
   * Manifest}.
   */
  public static TrainingPlan of(SafeFineTune resource) {
    return of(resource, resource.getSpec());
  }

  /**
   * The plan of a resource with another spec than its user's.
   *
   * @param spec the resource's, with what policies demand
   */
  public static TrainingPlan of(SafeFineTune resource, SafeFineTuneSpec spec) {
    return of(resource, spec, null);
  }

  /**
   * The plan of a resource whose adapter is kept when the gate refuses it.
   *
   * @param quarantine the folder for it; null when it is discarded
   */
  public static TrainingPlan of(SafeFineTune resource, SafeFineTuneSpec spec, String quarantine) {
    String namespace = resource.getMetadata().getNamespace();
    String run =
        (namespace == null ? "default" : namespace) + "/" + resource.getMetadata().getName();
    return new TrainingPlan(
            run,
            spec.model(),
            spec.dataset(),
            spec.method().resolved(),
            spec.training(),
            spec.safety(),
            spec.output(),
            quarantine,
            null)
        .sealed();
  }

  /** The same plan with its own digest. */
  private TrainingPlan sealed() {
    return withDigest(computeDigest());
  }

  private TrainingPlan withDigest(String value) {
    return new TrainingPlan(
        run, model, dataset, method, training, safety, output, quarantine, value);
  }

  /**
   * The same run with its results somewhere else, and nothing kept of what the gate refuses.
   *
   * @param destination as in {@code output.destination}; no secret belongs to it
   */
  public TrainingPlan publishedTo(String destination) {
    Output elsewhere = new Output(destination, output.formats(), null);
    return new TrainingPlan(run, model, dataset, method, training, safety, elsewhere, null, null)
        .sealed();
  }

  /** The digest that the content has now; a plan that was not altered carries the same. */
  public String computeDigest() {
    try {
      byte[] json = CANONICAL.writeValueAsBytes(withDigest(null));
      return "sha256:"
          + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(json));
    } catch (JsonProcessingException | NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The plan as YAML, as it is mounted at {@code /etc/safegrad/plan.yaml}. */
  public String toYaml() {
    try {
      return YAML.writeValueAsString(this);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Reads a mounted plan.
   *
   * @throws ManifestException when it has an unknown or a missing field, or its digest is not that
   *     of its content
   */
  public static TrainingPlan fromYaml(byte[] yaml) {
    TrainingPlan plan;
    try {
      plan = YAML.readValue(new String(yaml, StandardCharsets.UTF_8), TrainingPlan.class);
    } catch (JsonProcessingException e) {
      throw ManifestException.of("plan", e);
    }
    if (plan == null || plan.digest() == null || !plan.computeDigest().equals(plan.digest())) {
      throw new ManifestException(
          "plan: field digest does not match the content; expected a plan as the operator wrote it");
    }
    return plan;
  }
}
