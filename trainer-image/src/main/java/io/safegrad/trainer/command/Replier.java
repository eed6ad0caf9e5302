package io.safegrad.trainer.command;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.data.EvaluationPrompt;
import io.safegrad.trainer.data.Message;
import io.safegrad.trainer.data.StreamedText;
import io.safegrad.trainer.data.Tokenizer;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.Sampling;
import io.safegrad.trainer.run.GreedyReplies;
import io.safegrad.trainer.weights.PretrainedModel;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Answers prompts.
 *
 * @param pretrained has the vocabulary and the template
 * @param model has the weights
 */
record Replier(PretrainedModel pretrained, CausalLm model, Sampling sampling, int maxNewTokens) {

  /** The tokens of a chat, up to the start of the next reply. */
  int[] prompt(List<Message> messages) {
    return tokenizer().encode(pretrained.chatTemplate().render(messages, true));
  }

  /** The tokens of a text that the model goes on with, without a template. */
  int[] prompt(String text) {
    return IntStream.concat(
            IntStream.of(tokenizer().textStart()), IntStream.of(tokenizer().encode(text)))
        .toArray();
  }

  /**
   * Answers.
   *
   * @param text is told the reply piece by piece
   * @return the whole reply
   * @throws TrainerException with BAD_DATA when prompt and reply are longer than the model takes
   */
  String reply(int[] prompt, Consumer<String> text) {
    int room = pretrained.config().path("max_position_embeddings").asInt(Integer.MAX_VALUE);
    if (prompt.length == 0 || prompt.length >= room) {
      throw new TrainerException(
          ExitReason.BAD_DATA,
          "the prompt has %d tokens; expected 1 to %d, what the model takes less one for the reply"
              .formatted(prompt.length, room - 1));
    }
    StreamedText reply = new StreamedText(tokenizer());
    model.generate(
        prompt,
        Math.min(maxNewTokens, room - prompt.length),
        pretrained.endOfSequenceIds(),
        sampling,
        token -> text.accept(reply.add(token)));
    text.accept(reply.end());
    return reply.text();
  }

  /** The replies to many prompts; the likeliest ones are computed together. */
  List<String> replies(List<EvaluationPrompt> prompts) {
    return sampling.temperature() == 0
        ? new GreedyReplies(
                model, tokenizer(), pretrained.endOfSequenceIds(), maxNewTokens, count -> {})
            .to(prompts)
        : prompts.stream().map(prompt -> reply(prompt.inputIds(), piece -> {})).toList();
  }

  private Tokenizer tokenizer() {
    return pretrained.tokenizer();
  }
}
