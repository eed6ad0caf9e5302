package io.safegrad.trainer.telemetry;

import io.safegrad.api.DataRefusal;
import io.safegrad.api.Measurement;
import io.safegrad.api.TemplateRefusal;
import java.util.Locale;

/** Shares and durations as text for people. */
public final class Rates {

  private Rates() {}

  /** A share as a percentage with one decimal, for example {@code 97.5%}. */
  public static String percent(double share) {
    return String.format(Locale.ROOT, "%.1f%%", 100 * share);
  }

  /** A measurement with its 95 % interval, or a dash when it was not made. */
  public static String withInterval(Measurement measurement) {
    return measurement == null
        ? "-"
        : String.format(
            Locale.ROOT,
            "%s [%.1f, %.1f] of %d",
            percent(measurement.rate()),
            100 * measurement.low(),
            100 * measurement.high(),
            measurement.count());
  }

  /** What the fine-tuned model refuses of what the start model refuses; a dash for unasked. */
  public static String kept(DataRefusal asked) {
    return asked == null
        ? "-"
        : "%d of these %d".formatted(asked.refused(), asked.startRefused())
            + diverged(asked.refusalKl());
  }

  private static String diverged(Double kl) {
    return kl == null ? "" : ", KL " + nats(kl);
  }

  /** What the fine-tuned model says in the worst template; a dash for unasked. */
  public static String worst(TemplateRefusal asked) {
    if (asked == null) {
      return "-";
    }
    if (!asked.asked()) {
      return templates(asked);
    }
    String refused = "%d of %d prompts".formatted(asked.refused(), asked.prompts());
    String stock = asked.stockReplies() == 0 ? "" : ", stock replies to " + asked.stockReplies();
    return refused + stock + diverged(asked.refusalKl());
  }

  /** What the start model refuses there. */
  public static String worstOfStart(TemplateRefusal asked) {
    return asked.asked()
        ? "%d of %d prompts".formatted(asked.startRefused(), asked.prompts())
        : templates(asked);
  }

  private static String templates(TemplateRefusal asked) {
    return asked.templates() == 0 ? "no template" : "too many templates";
  }

  /** A duration such as {@code 42s}, {@code 3m05s} or {@code 2h07m}. */
  public static String duration(double seconds) {
    long whole = Math.round(seconds);
    if (whole < 60) {
      return whole + "s";
    }
    return whole < 3600
        ? String.format(Locale.ROOT, "%dm%02ds", whole / 60, whole % 60)
        : String.format(Locale.ROOT, "%dh%02dm", whole / 3600, whole % 3600 / 60);
  }

  /** {@code 0.0123 nats}; a dash for none. */
  public static String nats(Double value) {
    return value == null ? "-" : String.format(Locale.ROOT, "%.4f nats", value);
  }
}
