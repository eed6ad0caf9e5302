package io.safegrad.trainer.judge;

import io.safegrad.trainer.source.SourceSecrets;
import java.net.URI;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * Makes the judge that a plan names.
 *
 * @param secrets has the endpoint's token
 * @param told is told of each request to an endpoint; may throw to stop
 */
public record JudgeFactory(SourceSecrets secrets, Consumer<ChatCompletions.Outcome> told) {

  private static final String FIELD = "safety.evaluation.judge";
  private static final Duration FIRST_DELAY = Duration.ofSeconds(1);

  /**
   * The judge; nothing is asked yet.
   *
   * @throws io.safegrad.trainer.TrainerException with BAD_PLAN when there is no such list, or the
   *     endpoint's token is missing
   */
  public Judge make(io.safegrad.api.v1alpha1.Judge plan) {
    return switch (plan.type()) {
      case StringList -> StringListJudge.named(plan.stringList());
      case Endpoint -> endpoint(plan);
    };
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
