package io.safegrad.trainer.run;

import io.safegrad.api.TrainingPlan;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.ReferenceModel;
import io.safegrad.trainer.safety.Divergence;
import io.safegrad.trainer.safety.Refusal;
import io.safegrad.trainer.safety.RefusalExamples;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/**
 * What the start model refused, in its own words, and how far the model has moved there. Of a start
 * model that training overwrites, what it says of them is kept; else it would take memory that
 * asking it again does not.
 */
final class StartRefusals implements AutoCloseable {

  private final CausalLm model;
  private final TrainingPlan plan;
  private final RunInputs inputs;
  private final IntFunction<GreedyReplies> longReplies;
  private final List<ReferenceModel> kept = new ArrayList<>();

  /**
   * @param model is the start model as long as anything is added
   * @param longReplies the model's, cut after {@value RefusalExamples#LONGEST} tokens, for so many
   *     prompts or fewer
   */
  StartRefusals(
      CausalLm model, TrainingPlan plan, RunInputs inputs, IntFunction<GreedyReplies> longReplies) {
    this.model = model;
    this.plan = plan;
    this.inputs = inputs;
    this.longReplies = longReplies;
  }

  /** At most so many of some refusals as are looked at, for a model to be compared on. */
  final class Some {

    private final List<Refusal> refusals;
    private final List<TokenizedExample> examples;
    private final ReferenceModel reference;

    private Some(List<Refusal> refusals) {
      this.refusals = RefusalExamples.some(refusals);
      this.examples =
          RefusalExamples.of(
              this.refusals,
              inputs.pretrained().tokenizer(),
              plan.safety().evaluation().maxNewTokens(),
              longReplies.apply(this.refusals.size()));
      boolean overwritten = plan.training().mode() == Training.Mode.Full;
      this.reference = overwritten && !isEmpty() ? model.reference(examples) : null;
      if (reference != null) {
        kept.add(reference);
      }
    }

    boolean isEmpty() {
      return refusals.isEmpty();
    }

    int count() {
      return refusals.size();
    }

    /** The KL divergence of the model as it is now, in nats, the sum over all of them. */
    double divergence() {
      return divergence(refusal -> true);
    }

    /** The same over those that are among others. */
    double divergence(Predicate<Refusal> among) {
      List<Integer> which =
          IntStream.range(0, refusals.size())
              .filter(i -> among.test(refusals.get(i)))
              .boxed()
              .toList();
      if (which.isEmpty()) {
        return 0;
      }
      int batch = plan.training().batchSize();
      return reference == null
          ? Divergence.of(model, which.stream().map(examples::get).toList(), batch).nats()
          : Divergence.of(model, reference, which, batch).nats();
    }
  }

  /** Those of one set of prompts. */
  Some of(List<Refusal> refusals) {
    return new Some(refusals);
  }

  @Override
  public void close() {
    kept.forEach(ReferenceModel::close);
  }
}
