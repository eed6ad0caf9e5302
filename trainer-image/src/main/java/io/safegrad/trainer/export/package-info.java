/** What was trained, in the forms that other programs load: a merged model, GGUF, a model card. */
package io.safegrad.trainer.export;
