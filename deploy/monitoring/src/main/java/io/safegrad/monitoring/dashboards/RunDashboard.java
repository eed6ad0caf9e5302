package io.safegrad.monitoring.dashboards;

import static io.safegrad.monitoring.dashboards.Panel.panel;
import static io.safegrad.monitoring.dashboards.Panel.query;

import io.safegrad.monitoring.dashboards.Dashboard.Row;
import io.safegrad.monitoring.dashboards.Dashboard.Variable;
import io.safegrad.monitoring.dashboards.Panel.Display;
import io.safegrad.monitoring.dashboards.Panel.Unit;
import java.util.List;

/** One fine-tune, from its trainer's own metrics. */
final class RunDashboard {

  private static final String RUN = "job=~\"$job\",namespace=~\"$namespace\",run=~\"$run\"";

  private RunDashboard() {}

  static Dashboard create() {
    return new Dashboard(
        "safegrad-run",
        "SafeGrad / Run",
        "One fine-tune: what it learns, what it does to the model's alignment, how fast it is.",
        List.of(
            new Variable("job", "Job", "label_values(safegrad_stage, job)"),
            new Variable(
                "namespace", "Namespace", "label_values(safegrad_stage{job=~\"$job\"}, namespace)"),
            new Variable(
                "run",
                "Run",
                "label_values(safegrad_stage{job=~\"$job\",namespace=~\"$namespace\"}, run)")),
        List.of(overview(), learning(), gradients(), safety(), speed()));
  }

  private static Row overview() {
    return new Row(
        "Overview",
        List.of(
            panel(
                "Stage",
                "What the trainer does now.",
                Display.NAME,
                Unit.COUNT,
                4,
                query(of("safegrad_stage") + " == 1", "{{stage}}")),
            panel(
                "Progress",
                "Optimizer steps done of all steps.",
                Display.STAT,
                Unit.SHARE,
                4,
                query(
                    "max("
                        + of("safegrad_steps_total")
                        + ") / max("
                        + of("safegrad_steps_planned")
                        + ")",
                    "done")),
            panel(
                "Time left",
                "The trainer's estimate for the whole run, evaluation included.",
                Display.STAT,
                Unit.SECONDS,
                4,
                query(of("safegrad_eta_seconds"), "{{run}}")),
            panel(
                "Conflict ratio",
                "Share of the steps so far in which the user's gradient opposed the alignment"
                    + " gradient.",
                Display.STAT,
                Unit.SHARE,
                4,
                query(of("safegrad_conflict_ratio"), "{{run}}")),
            panel(
                "Refusal",
                "Share of harmful prompts that the newest measured model refuses: in training, or"
                    + " tuned.",
                Display.STAT,
                Unit.SHARE,
                4,
                query(of("safegrad_refusal_ratio", "model=~\"training|tuned\""), "{{model}}")),
            panel(
                "Conflicting examples",
                "Examples of the data whose conflict stands apart from all others'; the report names"
                    + " their lines. Known after half of the steps.",
                Display.STAT,
                Unit.COUNT,
                4,
                query(of("safegrad_conflicting_examples"), "{{run}}"))));
  }

  private static Row learning() {
    return new Row(
        "Learning",
        List.of(
            panel(
                "Loss (nats)",
                "Mean cross-entropy of the user's responses, at the newest step and on held-back"
                    + " examples.",
                Display.LINES,
                Unit.NUMBER,
                12,
                query(of("safegrad_loss_nats", "objective=\"user\""), "user"),
                query(of("safegrad_validation_loss_nats"), "validation, {{model}}")),
            panel(
                "Task accuracy",
                "Share of the held-out task that is answered as expected, where the run has one.",
                Display.LINES,
                Unit.SHARE,
                6,
                query(of("safegrad_task_accuracy_ratio"), "{{model}}")),
            panel(
                "Learning rate",
                "Of the newest step.",
                Display.LINES,
                Unit.NUMBER,
                6,
                query(of("safegrad_learning_rate"), "learning rate"))));
  }

  private static Row gradients() {
    return new Row(
        "Gradients",
        List.of(
            panel(
                "Conflict ratio",
                "Share of the steps so far in which the two gradients conflicted.",
                Display.LINES,
                Unit.SHARE,
                6,
                query(of("safegrad_conflict_ratio"), "{{run}}")),
            panel(
                "Gradient cosine",
                "Of the user's and the alignment gradient, before surgery: below zero they conflict.",
                Display.LINES,
                Unit.NUMBER,
                6,
                query(of("safegrad_gradient_cosine"), "{{run}}")),
            panel(
                "Gradient norms",
                "Euclidean norms before clipping; combined is what the optimizer gets.",
                Display.LINES,
                Unit.NUMBER,
                6,
                query(of("safegrad_gradient_norm"), "{{gradient}}")),
            panel(
                "Interventions",
                "Steps a second in which the method projected, or in which the alignment had its"
                    + " turn.",
                Display.LINES,
                Unit.OPERATIONS,
                6,
                query(rate("safegrad_interventions_total"), "{{method}}"))));
  }

  private static Row safety() {
    return new Row(
        "Safety",
        List.of(
            panel(
                "Refusal",
                "Share of harmful prompts refused, with the ends of its 95 % interval, by model:"
                    + " start, training, tuned.",
                Display.LINES,
                Unit.SHARE,
                12,
                query(of("safegrad_refusal_ratio"), "{{model}}"),
                query(
                    of("safegrad_evaluation_interval_ratio", "figure=\"refusal\""),
                    "{{model}}, {{end}}")),
            panel(
                "Harmless prompts",
                "Share of harmless prompts refused, and share of all replies that are incoherent.",
                Display.LINES,
                Unit.SHARE,
                6,
                query(of("safegrad_over_refusal_ratio"), "over-refusal, {{model}}"),
                query(of("safegrad_incoherent_ratio"), "incoherent, {{model}}")),
            panel(
                "Safety KL (nats)",
                "KL divergence from the start model: of a refusal of its own, of a token of"
                    + " held-back alignment examples, and as the loss on those trained on (a cross-entropy for"
                    + " Lisa and Spag).",
                Display.LINES,
                Unit.NUMBER,
                6,
                query(of("safegrad_refusal_kl_nats"), "a refusal, {{model}}"),
                query(of("safegrad_safety_kl_nats"), "held back, {{model}}"),
                query(of("safegrad_loss_nats", "objective=\"alignment\""), "alignment loss"))));
  }

  private static Row speed() {
    return new Row(
        "Speed",
        List.of(
            panel(
                "Tokens per second",
                "Of both batches, padding not counted.",
                Display.LINES,
                Unit.PER_SECOND,
                8,
                query(rate("safegrad_num_tokens_total"), "{{run}}")),
            panel(
                "Step duration",
                "Wall-clock time of an optimizer step.",
                Display.LINES,
                Unit.SECONDS,
                8,
                query(stepDuration("0.5"), "median"),
                query(stepDuration("0.9"), "90 %")),
            panel(
                "Time of measurements",
                "What the newest evaluation between two steps, and attribution, took.",
                Display.LINES,
                Unit.SECONDS,
                8,
                query(of("safegrad_evaluation_seconds"), "evaluation"),
                query(of("safegrad_attribution_seconds"), "attribution"))));
  }

  private static String of(String metric, String... matchers) {
    return metric
        + "{"
        + String.join(",", matchers)
        + (matchers.length == 0 ? "" : ",")
        + RUN
        + "}";
  }

  private static String rate(String counter) {
    return "rate(" + of(counter) + "[$__rate_interval])";
  }

  private static String stepDuration(String quantile) {
    return "histogram_quantile("
        + quantile
        + ", sum by (le) ("
        + rate("safegrad_step_duration_seconds_bucket")
        + "))";
  }
}
