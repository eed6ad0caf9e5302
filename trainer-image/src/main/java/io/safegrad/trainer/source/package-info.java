/** Where models and data come from and where results go: addresses, local paths and digests. */
package io.safegrad.trainer.source;
