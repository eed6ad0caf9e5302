package io.safegrad.trainer.judge;

import io.safegrad.trainer.source.SourceResolver;
import io.safegrad.trainer.source.SourceSecrets;
import io.safegrad.trainer.source.SourceSpec;
import io.safegrad.trainer.tensor.Compute;
import java.net.URI;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * Makes the judge that a plan names.
 *
 * @param resolver finds a classifier
 * @param secrets has the endpoint's token; null where no endpoint is asked
 * @param told is told of each request to an endpoint; may throw to stop; null where none is asked
 * @param compute where and in what type a classifier computes
 */
public record JudgeFactory(
    SourceResolver resolver,
    SourceSecrets secrets,
    Consumer<ChatCompletions.Outcome> told,
    Compute compute) {

  private static final String FIELD = "safety.evaluation.judge";
  private static final Duration FIRST_DELAY = Duration.ofSeconds(1);

  /** Judges on the processor. */
  public JudgeFactory(
      SourceResolver resolver, SourceSecrets secrets, Consumer<ChatCompletions.Outcome> told) {
    this(resolver, secrets, told, Compute.CPU);
  }

  /**
   * The judge; nothing is asked yet.
   *
   * @throws io.safegrad.trainer.TrainerException with BAD_PLAN when there is no such list, the
   *     endpoint's token is missing or the classifier is unfit; as any source's for a classifier
   *     that cannot be had
   */
  public Judge make(io.safegrad.api.v1alpha1.Judge plan) {
    return switch (plan.type()) {
      case StringList -> StringListJudge.named(plan.stringList());
      case Classifier -> classifier(plan);
      case Endpoint -> endpoint(plan);
    };
  }

  private Judge classifier(io.safegrad.api.v1alpha1.Judge plan) {
    io.safegrad.api.v1alpha1.Judge.Classifier classifier = plan.classifier();
    return new ClassifierJudge(
        plan.shownName(),
        resolver.resolve(
            new SourceSpec(
                FIELD + ".classifier.source",
                classifier.source(),
                classifier.revision(),
                classifier.digest())),
        classifier.label(),
        compute);
  }

  private Judge endpoint(io.safegrad.api.v1alpha1.Judge plan) {
    io.safegrad.api.v1alpha1.Judge.Endpoint endpoint = plan.endpoint();
    String secret = endpoint.secretRef() == null ? null : endpoint.secretRef().name();
    ChatCompletions.Settings settings =
        new ChatCompletions.Settings(
            URI.create(endpoint.baseUrl()),
            endpoint.model(),
            secrets.judgeToken(FIELD + ".endpoint.secretRef", secret),
            Duration.ofSeconds(endpoint.timeoutSeconds()),
            endpoint.maxRetries(),
            FIRST_DELAY,
            endpoint.maxRequests(),
            endpoint.maxTokens());
    return new EndpointJudge(
        plan.shownName(), endpoint.prompt(), new ChatCompletions(settings, told));
  }
}
