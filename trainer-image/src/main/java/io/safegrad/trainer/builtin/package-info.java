/**
 * Where the built-in model and data sets come from: {@link io.safegrad.trainer.builtin.Corpus}
 * deals the words of {@code builtin/corpus.yaml} out into dialogues, {@link
 * io.safegrad.trainer.builtin.BytePairTrainer} makes the tokenizer, and {@link
 * io.safegrad.trainer.builtin.Recipe} trains the model. Nothing here runs in a pod; the pod reads
 * what the recipe wrote, through {@link io.safegrad.trainer.source.BuiltinSource}.
 */
package io.safegrad.trainer.builtin;
