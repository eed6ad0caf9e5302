/** One run from its plan to its result: the stages in order, and how each end is told. */
package io.safegrad.trainer.run;
