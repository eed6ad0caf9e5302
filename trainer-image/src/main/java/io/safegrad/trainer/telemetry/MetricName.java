package io.safegrad.trainer.telemetry;

import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.List;
import java.util.function.Supplier;

/**
 * Every metric that a trainer exposes, under the name Prometheus stores: dashboards, alert rules
 * and the documentation are held to this list. No label ever carries text of the tenant.
 */
public enum MetricName {
  LOSS(
      "safegrad_loss_nats",
      Type.GAUGE,
      "Newest mean loss in nats: cross-entropy of the user's response tokens; on the alignment set's"
          + " KL to the start model, or cross-entropy for Lisa and Spag.",
      "objective"),
  CONFLICT_RATIO(
      "safegrad_conflict_ratio",
      Type.GAUGE,
      "Share of the steps so far in which the user's gradient opposed the alignment gradient."),
  GRADIENT_COSINE(
      "safegrad_gradient_cosine",
      Type.GAUGE,
      "Cosine of the user's and the alignment gradient at the newest step, before surgery."),
  GRADIENT_NORM(
      "safegrad_gradient_norm",
      Type.GAUGE,
      "Euclidean norm of a gradient at the newest step: user, alignment, or combined before"
          + " clipping.",
      "gradient"),
  PROJECTION_WEIGHT(
      "safegrad_projection_weight",
      Type.GAUGE,
      "Factor w of the alignment gradient in g = g_user + w g_alignment at the newest step."),
  INTERVENTIONS(
      "safegrad_interventions_total",
      Type.COUNTER,
      "Steps in which the method projected the gradient (SafeGrad) or the parameters (Spag), or in"
          + " which the alignment had its turn (Lisa).",
      "method"),
  LEARNING_RATE(
      "safegrad_learning_rate", Type.GAUGE, "Learning rate of the optimizer at the newest step."),
  STEPS("safegrad_steps_total", Type.COUNTER, "Optimizer steps done."),
  STEPS_PLANNED("safegrad_steps_planned", Type.GAUGE, "Optimizer steps of the whole run."),
  NUM_TOKENS(
      "safegrad_num_tokens_total",
      Type.COUNTER,
      "Tokens trained on, of both batches, padding not counted."),
  STEP_DURATION(
      "safegrad_step_duration_seconds", Type.HISTOGRAM, "Wall-clock time of an optimizer step."),
  REFUSAL_RATIO(
      "safegrad_refusal_ratio",
      Type.GAUGE,
      "Share of the harmful prompts that the start or the tuned model, or the model in training, refused.",
      "model"),
  OVER_REFUSAL_RATIO(
      "safegrad_over_refusal_ratio",
      Type.GAUGE,
      "Share of the harmless prompts that the start or the tuned model, or the model in training, refused.",
      "model"),
  ADDITIONAL_REFUSAL_RATIO(
      "safegrad_additional_refusal_ratio",
      Type.GAUGE,
      "Share of the user's own harmful prompts that the start or the tuned model, or the model in"
          + " training, refused.",
      "model"),
  ADDITIONAL_OVER_REFUSAL_RATIO(
      "safegrad_additional_over_refusal_ratio",
      Type.GAUGE,
      "Share of the user's own harmless prompts that the start or the tuned model, or the model in"
          + " training, refused.",
      "model"),
  INCOHERENT_RATIO(
      "safegrad_incoherent_ratio",
      Type.GAUGE,
      "Share of incoherent replies to harmful and harmless prompts, of the start or the tuned"
          + " model, or of the model in training.",
      "model"),
  SAFETY_KL(
      "safegrad_safety_kl_nats",
      Type.GAUGE,
      "Mean KL divergence of the start or the tuned model, or of the model in training, from the"
          + " start model, in nats, on the alignment examples held back by"
          + " safety.alignment.heldOutFraction.",
      "model"),
  REFUSAL_KL(
      "safegrad_refusal_kl_nats",
      Type.GAUGE,
      "Mean KL divergence of the start or the tuned model, or of the model in training, from the"
          + " start model, in nats per refusal, on the start model's own refusals of the harmful"
          + " prompts.",
      "model"),
  TASK_ACCURACY_RATIO(
      "safegrad_task_accuracy_ratio",
      Type.GAUGE,
      "Share of the held-out task that the start or the tuned model, or the model in training,"
          + " answered as expected.",
      "model"),
  EVALUATION_INTERVAL(
      "safegrad_evaluation_interval_ratio",
      Type.GAUGE,
      "The low and the high end of the 95 % Wilson interval of a share of replies.",
      "figure",
      "model",
      "end"),
  EVALUATION_PROMPTS(
      "safegrad_evaluation_prompts",
      Type.GAUGE,
      "Prompts whose replies a share was counted over.",
      "figure",
      "model"),
  EVALUATION_SECONDS(
      "safegrad_evaluation_seconds",
      Type.GAUGE,
      "Wall-clock time that the newest evaluation between two steps took."),
  GATE_HELD(
      "safegrad_gate_held",
      Type.GAUGE,
      "1 for a rule of the gate that held, 0 for one that did not.",
      "rule"),
  GATE_THRESHOLD_RATIO(
      "safegrad_gate_threshold_ratio",
      Type.GAUGE,
      "Threshold of a rule of the gate that compares shares.",
      "rule"),
  GATE_THRESHOLD_NATS(
      "safegrad_gate_threshold_nats",
      Type.GAUGE,
      "Threshold of a rule of the gate that compares a divergence.",
      "rule"),
  VALIDATION_LOSS(
      "safegrad_validation_loss_nats",
      Type.GAUGE,
      "Mean cross-entropy in nats of the start or the tuned model, or of the model in training, on"
          + " the response tokens of the examples held back by dataset.validationFraction.",
      "model"),
  CONFLICTING_EXAMPLES(
      "safegrad_conflicting_examples",
      Type.GAUGE,
      "Examples whose conflict with the alignment stands apart from all others', as attribution"
          + " found after half of the steps."),
  ATTRIBUTION_SECONDS(
      "safegrad_attribution_seconds", Type.GAUGE, "Wall-clock time that attribution took."),
  JUDGE_REQUESTS(
      "safegrad_judge_requests_total",
      Type.COUNTER,
      "Requests to the endpoint that judges replies: answered, retried, or failed, which ends the"
          + " run.",
      "outcome"),
  STAGE("safegrad_stage", Type.GAUGE, "1 for the stage that the run is in, 0 for others.", "stage"),
  ETA("safegrad_eta_seconds", Type.GAUGE, "Estimate of the remaining time of the whole run.");

  /** What kind of metric it is. */
  public enum Type {
    GAUGE,
    COUNTER,
    HISTOGRAM
  }

  private final String text;
  private final Type type;
  private final String help;
  private final String[] labels;

  MetricName(String text, Type type, String help, String... labels) {
    this.text = text;
    this.type = type;
    this.help = help;
    this.labels = labels;
  }

  /** The name as it is exposed. */
  public String text() {
    return text;
  }

  /** Gauge, counter or histogram. */
  public Type type() {
    return type;
  }

  /** One sentence of documentation. */
  public String help() {
    return help;
  }

  /** The names of its labels. */
  public List<String> labels() {
    return List.of(labels);
  }

  Gauge gauge(PrometheusRegistry registry) {
    return Gauge.builder().name(text).help(help).labelNames(labels).register(registry);
  }

  /** A gauge that is read when it is scraped, and not exposed while there is no value. */
  void gauge(PrometheusRegistry registry, Supplier<? extends Number> value) {
    GaugeWithCallback.builder()
        .name(text)
        .help(help)
        .callback(
            callback -> {
              Number number = value.get();
              if (number != null) {
                callback.call(number.doubleValue());
              }
            })
        .register(registry);
  }

  Counter counter(PrometheusRegistry registry) {
    return Counter.builder().name(text).help(help).labelNames(labels).register(registry);
  }

  Histogram histogram(PrometheusRegistry registry, double... upperBounds) {
    return Histogram.builder()
        .name(text)
        .help(help)
        .labelNames(labels)
        .classicOnly()
        .classicUpperBounds(upperBounds)
        .register(registry);
  }
}
