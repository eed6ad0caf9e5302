/** What a run leaves behind for people and programs: report.json and the termination message. */
package io.safegrad.trainer.report;
