package io.safegrad.trainer.safety;

import io.safegrad.api.AttributionCounts;
import java.util.List;

/**
 * Which examples pull the model away from its alignment, after half of the steps or, where the gate
 * refuses it, of the finished model. A checkpoint holds the former, and the report the latter.
 *
 * @param step optimizer steps done then
 * @param examples how many were measured
 * @param seconds wall-clock seconds it took
 * @param threshold the conflict above which an example is condemned; null when none stands apart
 * @param condemned the lines of those, ascending
 * @param worst the examples with the largest conflict, largest first
 * @param userTaken how many of the user's examples were taken until then
 */
public record Attribution(
    int step,
    int examples,
    double seconds,
    Double threshold,
    List<Integer> condemned,
    List<Example> worst,
    long userTaken) {

  /** It in numbers, for those who may not read the data. */
  public AttributionCounts counts() {
    return new AttributionCounts(examples, condemned.size(), worst.size());
  }

  /**
   * One example.
   *
   * @param line where it begins in its file, from 1
   * @param conflict as {@link ConflictAttribution} measures it; above 0, learning the example moves
   *     the model away from its alignment
   * @param digest {@code sha256:…} of its record as canonical JSON; null until it is read again
   * @param excerpt its beginning; null unless the plan asks for it
   */
  public record Example(int line, double conflict, String digest, String excerpt) {}
}
