package io.safegrad.trainer.run;

import io.safegrad.api.TrainingPlan;
import io.safegrad.api.v1alpha1.Method.OnConflict;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.trainer.data.RecordDigests;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.ReferenceModel;
import io.safegrad.trainer.report.RunJournal;
import io.safegrad.trainer.safety.Attribution;
import io.safegrad.trainer.telemetry.RunObserver;
import io.safegrad.trainer.tensor.Compute;
import io.safegrad.trainer.train.ConflictMeasurement;
import io.safegrad.trainer.train.DataPosition;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * What a run makes of the examples that attribution finds.
 *
 * @param compute where and in what type the model computes
 * @param journal is one of those the observer tells
 */
record ConflictVerdict(
    TrainingPlan plan,
    RunInputs inputs,
    Compute compute,
    RunJournal journal,
    RunObserver observer,
    Preemption preemption) {

  /** Characters of an excerpt. */
  private static final int EXCERPT = 200;

  /** Lines that a sentence names. */
  private static final int LINES = 20;

  /** Ends a run whose plan says so. */
  static final class Stop extends RuntimeException {

    private static final long serialVersionUID = 1L;

    Stop(String message) {
      super(message);
    }
  }

  /** What the training is to measure. */
  ConflictMeasurement measurement() {
    OnConflict onConflict = plan.method().resolved().onConflict();
    int worst = plan.safety().attribution().worstExamples();
    return new ConflictMeasurement(
        worst,
        worst > 0 || onConflict != OnConflict.Project,
        onConflict == OnConflict.Drop,
        this::found,
        () -> {
          if (preemption.asked()) {
            throw preemption.stopped("during attribution");
          }
        });
  }

  /**
   * The end of a refusal's sentence: which examples did it. The finished model tells that better
   * than it did after half of the steps, and for a method that trains on no alignment set nothing
   * may have been measured then. What Drop left out stays said, and is not measured again.
   *
   * @param taken how far the data was read
   * @return empty when no example can be named
   */
  String because(CausalLm model, DataPosition taken) {
    boolean named = plan.safety().attribution().worstExamples() > 0;
    boolean dropped =
        plan.method().resolved().onConflict() == OnConflict.Drop && journal.attribution() != null;
    if (named && !dropped) {
      measureFinished(model, taken);
    }
    Attribution found = journal.attribution();
    if (found == null || !found.condemned().isEmpty()) {
      return standingApart();
    }
    List<Integer> largest =
        found.worst().stream()
            .filter(each -> each.conflict() > 0)
            .map(Attribution.Example::line)
            .toList();
    return largest.isEmpty()
        ? ""
        : "; no examples stand apart in their conflict with the alignment, the largest first: "
            + lines(largest);
  }

  /** The same as far as it is known, for a model that the gate would have let through. */
  String standingApart() {
    Attribution found = journal.attribution();
    return found == null || found.condemned().isEmpty()
        ? ""
        : "; the examples that conflict most with the alignment: " + lines(found.condemned());
  }

  private void measureFinished(CausalLm model, DataPosition taken) {
    List<TokenizedExample> alignment = inputs.alignment();
    if (alignment.isEmpty() && inputs.spareAlignment() != null) {
      alignment = inputs.spareAlignment().use();
    }
    if (alignment.isEmpty()) {
      return;
    }
    try (ReferenceModel reference = reference(model, alignment)) {
      int steps = journal.history().last().step();
      measurement()
          .measureFinished(
              model, reference, inputs.user(), plan.training().batchSize(), steps, taken)
          .ifPresent(found -> observer.attributed(described(found)));
    }
  }

  /** What the start model says, which in mode Full is in its files alone by now. */
  private ReferenceModel reference(CausalLm model, List<TokenizedExample> alignment) {
    if (plan.training().mode() == Training.Mode.Lora) {
      return model.reference(alignment);
    }
    try (CausalLm start = CausalLm.load(inputs.config(), inputs.pretrained().weights(), compute)) {
      return model.reference(alignment, start);
    }
  }

  private Attribution found(Attribution found) {
    Attribution described = described(found);
    observer.attributed(described);
    if (plan.method().onConflict() == OnConflict.Stop && !found.condemned().isEmpty()) {
      throw new Stop(
          "%s: %d of %d examples conflict with the alignment far more than all others: %s; remove them, or choose Drop (method.onConflict)"
              .formatted(
                  inputs.dataset().field(),
                  found.condemned().size(),
                  found.examples(),
                  lines(found.condemned())));
    }
    return described;
  }

  private Attribution described(Attribution found) {
    return new Attribution(
        found.step(),
        found.examples(),
        found.seconds(),
        found.threshold(),
        found.condemned(),
        described(found.worst()),
        found.userTaken());
  }

  private List<Attribution.Example> described(List<Attribution.Example> examples) {
    if (examples.isEmpty()) {
      return examples;
    }
    Map<Integer, String> digests =
        RecordDigests.of(
            inputs.dataset().path(),
            inputs.dataset().uri(),
            examples.stream()
                .map(Attribution.Example::line)
                .collect(Collectors.toCollection(TreeSet::new)));
    Function<Integer, String> excerpts =
        plan.safety().attribution().excerpts() ? this::excerpt : line -> null;
    return examples.stream()
        .map(
            each ->
                new Attribution.Example(
                    each.line(),
                    each.conflict(),
                    digests.get(each.line()),
                    excerpts.apply(each.line())))
        .toList();
  }

  private String excerpt(int line) {
    TokenizedExample example =
        inputs.user().stream().filter(each -> each.line() == line).findFirst().orElseThrow();
    String text = inputs.pretrained().tokenizer().decode(example.inputIds());
    return text.codePointCount(0, text.length()) <= EXCERPT
        ? text
        : text.substring(0, text.offsetByCodePoints(0, EXCERPT)) + "…";
  }

  /** {@code lines 3, 17 and 40}, not too many of them. */
  static String lines(List<Integer> lines) {
    String named =
        lines.stream().limit(LINES).map(String::valueOf).collect(Collectors.joining(", "));
    return (lines.size() == 1 ? "line " : "lines ")
        + named
        + (lines.size() > LINES ? " and %d more".formatted(lines.size() - LINES) : "");
  }
}
