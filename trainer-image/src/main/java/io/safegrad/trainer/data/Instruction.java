package io.safegrad.trainer.data;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * An instruction in the fields of Stanford Alpaca.
 *
 * @param input what the instruction is about; empty for none
 */
record Instruction(String instruction, String input) {

  // https://github.com/tatsu-lab/stanford_alpaca, train.py: PROMPT_DICT
  private static final String PROMPT_WITH_INPUT =
      "Below is an instruction that describes a task, paired with an input that provides further"
          + " context. Write a response that appropriately completes the request.\n\n"
          + "### Instruction:\n%s\n\n### Input:\n%s\n\n### Response:";
  private static final String PROMPT_WITHOUT_INPUT =
      "Below is an instruction that describes a task. Write a response that appropriately"
          + " completes the request.\n\n### Instruction:\n%s\n\n### Response:";

  /** The record's fields {@code instruction} and, where it has one, {@code input}. */
  static Instruction of(DataRecord record) {
    JsonNode input = record.object().path("input");
    return new Instruction(
        JsonFields.text(record, "instruction"),
        input.isMissingNode() || input.isNull() ? "" : JsonFields.text(record, "input"));
  }

  /** The user's turn, for a model with a chat template. */
  Message message() {
    return new Message("user", input.isEmpty() ? instruction : instruction + "\n\n" + input);
  }

  /** Stanford Alpaca's own prompt, for a model without a chat template. */
  String prompt() {
    return input.isEmpty()
        ? PROMPT_WITHOUT_INPUT.formatted(instruction)
        : PROMPT_WITH_INPUT.formatted(instruction, input);
  }
}
