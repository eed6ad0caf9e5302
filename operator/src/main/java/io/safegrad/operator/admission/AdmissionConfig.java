package io.safegrad.operator.admission;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/** How admission is watched. */
@ConfigMapping(prefix = "safegrad.admission")
public interface AdmissionConfig {

  /** Whether the operator is ready only while admission is in force. */
  @WithDefault("false")
  boolean required();

  /** Time between two looks at it. */
  @WithDefault("60s")
  Duration checkInterval();
}
