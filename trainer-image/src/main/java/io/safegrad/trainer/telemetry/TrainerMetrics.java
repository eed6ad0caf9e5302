package io.safegrad.trainer.telemetry;

import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.safegrad.api.GateCheck;
import io.safegrad.api.Measurement;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.StepEvaluation;
import io.safegrad.api.TrainingStage;
import io.safegrad.trainer.judge.ChatCompletions;
import io.safegrad.trainer.safety.Attribution;
import io.safegrad.trainer.train.MethodFigures.Action;
import io.safegrad.trainer.train.StepMetrics;
import io.safegrad.trainer.train.ValidationLoss;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/** Keeps the Prometheus metrics of one run. A gauge without a value yet is not exposed. */
public final class TrainerMetrics implements RunObserver {

  /** From a tiny model's milliseconds to minutes of accumulation on a large one. */
  private static final double[] STEP_SECONDS = {
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300
  };

  private static final String USER = "user";
  private static final String ALIGNMENT = "alignment";

  /** The model as it is while it trains, beside the labels of {@link EvaluatedModel}. */
  private static final String TRAINING = "training";

  private final Gauge loss;
  private final Gauge gradientNorm;
  private final Gauge refusal;
  private final Gauge overRefusal;
  private final Gauge additionalRefusal;
  private final Gauge additionalOverRefusal;
  private final Gauge interval;
  private final Gauge prompts;
  private final Gauge gateHeld;
  private final Gauge gateThresholdRatio;
  private final Gauge gateThresholdNats;
  private final Gauge incoherent;
  private final Gauge safetyKl;
  private final Gauge refusalKl;
  private final Gauge taskAccuracy;
  private final Gauge validationLoss;
  private final Gauge stage;
  private final Counter steps;
  private final Counter tokens;
  private final Counter interventions;
  private final Counter judgeRequests;
  private final Histogram stepDuration;
  private volatile StepMetrics latest;
  private volatile Integer stepsPlanned;
  private volatile Attribution attribution;
  private volatile StepEvaluation evaluation;

  /**
   * @param progress where the conflict ratio and the remaining time are read from
   */
  public TrainerMetrics(PrometheusRegistry registry, ProgressTracker progress) {
    loss = MetricName.LOSS.gauge(registry);
    gradientNorm = MetricName.GRADIENT_NORM.gauge(registry);
    refusal = MetricName.REFUSAL_RATIO.gauge(registry);
    overRefusal = MetricName.OVER_REFUSAL_RATIO.gauge(registry);
    additionalRefusal = MetricName.ADDITIONAL_REFUSAL_RATIO.gauge(registry);
    additionalOverRefusal = MetricName.ADDITIONAL_OVER_REFUSAL_RATIO.gauge(registry);
    interval = MetricName.EVALUATION_INTERVAL.gauge(registry);
    prompts = MetricName.EVALUATION_PROMPTS.gauge(registry);
    gateHeld = MetricName.GATE_HELD.gauge(registry);
    gateThresholdRatio = MetricName.GATE_THRESHOLD_RATIO.gauge(registry);
    gateThresholdNats = MetricName.GATE_THRESHOLD_NATS.gauge(registry);
    incoherent = MetricName.INCOHERENT_RATIO.gauge(registry);
    safetyKl = MetricName.SAFETY_KL.gauge(registry);
    refusalKl = MetricName.REFUSAL_KL.gauge(registry);
    taskAccuracy = MetricName.TASK_ACCURACY_RATIO.gauge(registry);
    validationLoss = MetricName.VALIDATION_LOSS.gauge(registry);
    stage = MetricName.STAGE.gauge(registry);
    steps = MetricName.STEPS.counter(registry);
    tokens = MetricName.NUM_TOKENS.counter(registry);
    interventions = MetricName.INTERVENTIONS.counter(registry);
    judgeRequests = MetricName.JUDGE_REQUESTS.counter(registry);
    stepDuration = MetricName.STEP_DURATION.histogram(registry, STEP_SECONDS);
    MetricName.STEPS_PLANNED.gauge(registry, () -> stepsPlanned);
    MetricName.CONFLICT_RATIO.gauge(registry, () -> progress.progress().conflictRatio());
    MetricName.ETA.gauge(registry, () -> progress.progress().etaSeconds());
    MetricName.GRADIENT_COSINE.gauge(registry, () -> ofLatest(StepMetrics::cosine));
    MetricName.PROJECTION_WEIGHT.gauge(registry, () -> ofLatest(StepMetrics::projectionWeight));
    MetricName.LEARNING_RATE.gauge(registry, () -> ofLatest(StepMetrics::learningRate));
    MetricName.CONFLICTING_EXAMPLES.gauge(
        registry, () -> attribution == null ? null : attribution.condemned().size());
    MetricName.ATTRIBUTION_SECONDS.gauge(
        registry, () -> attribution == null ? null : attribution.seconds());
    MetricName.EVALUATION_SECONDS.gauge(
        registry, () -> evaluation == null ? null : evaluation.seconds());
    stageStarted(TrainingStage.PREPARING);
  }

  private Double ofLatest(Function<StepMetrics, Double> field) {
    StepMetrics step = latest;
    return step == null ? null : field.apply(step);
  }

  @Override
  public void stageStarted(TrainingStage current) {
    for (TrainingStage each : TrainingStage.values()) {
      stage.labelValues(each.name().toLowerCase(Locale.ROOT)).set(each == current ? 1 : 0);
    }
  }

  @Override
  public void stepsPlanned(int totalSteps) {
    stepsPlanned = totalSteps;
  }

  @Override
  public void resumed(TrainingHistory history) {
    steps.inc(history.last().step());
    tokens.inc(history.numTokens());
    interventionsOf(history.last()).inc(history.interventions());
    history.evaluations().stream().reduce((older, newer) -> newer).ifPresent(this::evaluated);
  }

  @Override
  public void stepDone(StepMetrics step) {
    latest = step;
    steps.inc();
    tokens.inc(step.numTokens());
    stepDuration.observe(step.seconds());
    set(validationLoss, TRAINING, step.validationLoss());
    interventionsOf(step).inc(step.method().action() == Action.NONE ? 0 : 1);
    gradientNorm.labelValues("combined").set(step.gradNorm());
    set(loss, USER, step.loss());
    set(loss, ALIGNMENT, step.alignmentLoss());
    set(gradientNorm, USER, step.userGradNorm());
    set(gradientNorm, ALIGNMENT, step.alignmentGradNorm());
  }

  private static void set(Gauge gauge, String label, Double value) {
    if (value != null) {
      gauge.labelValues(label).set(value);
    }
  }

  private CounterDataPoint interventionsOf(StepMetrics step) {
    return interventions.labelValues(step.method().name().name());
  }

  @Override
  public void attributed(Attribution found) {
    attribution = found;
  }

  @Override
  public void judgeAsked(ChatCompletions.Outcome outcome) {
    judgeRequests.labelValues(outcome.name().toLowerCase(Locale.ROOT)).inc();
  }

  @Override
  public void validated(EvaluatedModel model, ValidationLoss measured) {
    validationLoss.labelValues(model.label()).set(measured.loss());
  }

  @Override
  public void evaluated(StepEvaluation found) {
    evaluation = found;
    measured(TRAINING, found.measurements());
  }

  @Override
  public void measured(EvaluatedModel model, SafetyMeasurements measurements) {
    measured(model.label(), measurements);
  }

  private void measured(String model, SafetyMeasurements measurements) {
    set(refusal, "refusal", model, measurements.refusal());
    set(overRefusal, "over_refusal", model, measurements.overRefusal());
    set(additionalRefusal, "additional_refusal", model, measurements.additionalRefusal());
    set(
        additionalOverRefusal,
        "additional_over_refusal",
        model,
        measurements.additionalOverRefusal());
    set(taskAccuracy, "task_accuracy", model, measurements.taskAccuracy());
    set(incoherent, "incoherent", model, measurements.incoherent());
    set(safetyKl, model, measurements.safetyKl());
    set(refusalKl, model, measurements.refusalKl());
  }

  private void set(Gauge gauge, String figure, String model, Measurement measurement) {
    if (measurement != null) {
      gauge.labelValues(model).set(measurement.rate());
      interval.labelValues(figure, model, "low").set(measurement.low());
      interval.labelValues(figure, model, "high").set(measurement.high());
      prompts.labelValues(figure, model).set(measurement.count());
    }
  }

  @Override
  public void gateAsked(List<GateCheck.Rule> rules) {
    for (GateCheck.Rule rule : rules) {
      gateHeld.labelValues(rule.name()).set(rule.held() ? 1 : 0);
      Gauge threshold = rule.comparesDivergence() ? gateThresholdNats : gateThresholdRatio;
      threshold.labelValues(rule.name()).set(rule.numbers().threshold());
    }
  }
}
