package io.safegrad.operator.status;

import io.fabric8.kubernetes.api.model.Status;
import io.fabric8.kubernetes.api.model.StatusDetails;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.javaoperatorsdk.operator.AggregatedOperatorException;
import io.safegrad.api.v1alpha1.ConditionReason;
import io.safegrad.operator.observe.Sentence;
import io.safegrad.operator.plan.PlanException;
import io.safegrad.operator.plan.PolicyViolation;
import io.safegrad.operator.plan.PolicyViolationException;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Why a reconciliation failed, as one sentence for its user.
 *
 * @param reason the condition reason
 * @param lasting whether only an edit of the resource helps
 */
public record Trouble(String reason, String sentence, boolean lasting) {

  /** Every reason that there is. */
  public static final List<String> REASONS =
      Stream.of(
              ConditionReason.PolicyViolation,
              ConditionReason.InvalidSpec,
              ConditionReason.OperatorError,
              ConditionReason.InvalidPod,
              ConditionReason.Forbidden,
              ConditionReason.NameTaken,
              ConditionReason.ApiServerError)
          .map(ConditionReason::name)
          .toList();

  /** Room for every violation of a spec; Kubernetes takes messages of 32768 characters. */
  private static final int LONGEST_VIOLATIONS = 16384;

  private static final String ENDING_NAMESPACE = "NamespaceTerminating";
  private static final String ALREADY_EXISTS = "AlreadyExists";
  private static final int NOT_FOUND = 404;
  private static final int CONFLICT = 409;
  private static final int FORBIDDEN = 403;
  private static final int INVALID = 422;

  /** What went wrong, without the frames and the lists that the frameworks wrap around it. */
  public static Trouble of(Throwable failure) {
    Throwable cause = root(failure);
    if (cause instanceof PolicyViolationException) {
      return new Trouble(
          Outcome.POLICY_VIOLATION, Sentence.of(cause.getMessage(), LONGEST_VIOLATIONS), true);
    }
    if (cause instanceof PlanException) {
      return new Trouble(ConditionReason.InvalidSpec.name(), cause.getMessage(), true);
    }
    if (cause instanceof KubernetesClientException refused) {
      return new Trouble(reason(refused), sentence(refused), refused.getCode() == INVALID);
    }
    String message = Sentence.of(String.valueOf(cause.getMessage()));
    return new Trouble(
        ConditionReason.OperatorError.name(),
        cause.getClass().getSimpleName() + ": " + message,
        false);
  }

  /** What policies have against the resource; empty when that is not what went wrong. */
  public static List<PolicyViolation> violations(Throwable failure) {
    return root(failure) instanceof PolicyViolationException refused
        ? refused.violations()
        : List.of();
  }

  /** Whether something else came first and may be out of the way at the next attempt. */
  public static boolean isConflict(Throwable failure) {
    return root(failure) instanceof KubernetesClientException refused
        && refused.getCode() == CONFLICT;
  }

  /** Whether the API server gave no answer at all, so that nobody can be told anything. */
  public static boolean isUnreachable(Throwable failure) {
    return root(failure) instanceof KubernetesClientException refused
        && refused.getCode() <= 0
        && refused.getStatus() == null;
  }

  /**
   * Whether the API server does not serve what was asked for, as while a CRD is replaced. Of an
   * object that is not there it would have told the name.
   */
  public static boolean isUnserved(Throwable failure) {
    return root(failure) instanceof KubernetesClientException refused
        && refused.getCode() == NOT_FOUND
        && (refused.getStatus() == null
            || refused.getStatus().getDetails() == null
            || refused.getStatus().getDetails().getName() == null);
  }

  /** Whether the resource's namespace is being deleted or gone, and the resource with it. */
  public static boolean isOfEndingNamespace(Throwable failure) {
    if (!(root(failure) instanceof KubernetesClientException refused)
        || refused.getStatus() == null
        || refused.getStatus().getDetails() == null) {
      return false;
    }
    StatusDetails details = refused.getStatus().getDetails();
    return (refused.getCode() == NOT_FOUND && "namespaces".equals(details.getKind()))
        || details.getCauses().stream()
            .anyMatch(cause -> ENDING_NAMESPACE.equals(cause.getReason()));
  }

  /** Whether an object of that name is there, or on its way out. */
  static boolean isTaken(Throwable failure) {
    return root(failure) instanceof KubernetesClientException refused
        && refused.getStatus() != null
        && ALREADY_EXISTS.equals(refused.getStatus().getReason());
  }

  /**
   * Kind and name of the object that has a name already; empty when that is not what went wrong.
   */
  static Optional<StatusDetails> taken(Throwable failure) {
    return isTaken(failure)
        ? Optional.ofNullable(((KubernetesClientException) root(failure)).getStatus().getDetails())
        : Optional.empty();
  }

  private static Throwable root(Throwable failure) {
    Throwable cause = failure;
    while (true) {
      Throwable next =
          cause instanceof AggregatedOperatorException aggregated
                  && !aggregated.getAggregatedExceptions().isEmpty()
              ? aggregated.getAggregatedExceptions().values().iterator().next()
              : cause.getCause();
      if (cause instanceof KubernetesClientException || next == null || next == cause) {
        return cause;
      }
      cause = next;
    }
  }

  private static String reason(KubernetesClientException refused) {
    return switch (refused.getCode()) {
      case INVALID -> ConditionReason.InvalidPod.name();
      case FORBIDDEN -> ConditionReason.Forbidden.name();
      case CONFLICT ->
          isTaken(refused)
              ? ConditionReason.NameTaken.name()
              : ConditionReason.ApiServerError.name();
      default -> ConditionReason.ApiServerError.name();
    };
  }

  private static String sentence(KubernetesClientException refused) {
    Status status = refused.getStatus();
    String message =
        status == null || status.getMessage() == null
            ? String.valueOf(refused.getMessage())
            : status.getMessage();
    return isTaken(refused)
        ? Sentence.of(message)
            + "; it was not made for this SafeFineTune: delete it, or give the SafeFineTune another"
            + " name"
        : Sentence.of(message);
  }
}
