/** What a run tells while it runs: Prometheus metrics, progress, the HTTP endpoint, the console. */
package io.safegrad.trainer.telemetry;
