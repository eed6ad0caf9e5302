/** What a file or directory is, for people and for scripts. */
package io.safegrad.trainer.inspect;
