/** Who tells which replies refuse. */
package io.safegrad.trainer.judge;
