/** Where the files of a run come from, said so that others can check it, and the check. */
package io.safegrad.trainer.provenance;
