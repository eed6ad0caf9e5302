package io.safegrad.trainer.data;

import io.safegrad.trainer.data.ParquetRecords.UnusableValueException;

/** How large a row of a Parquet file has become, which is bounded. */
final class ParquetRowSize {

  /** Most characters of a row and its values together. */
  static final int MAX_CHARACTERS = 64 << 20;

  /** Most values of a row: a few bytes of run lengths may stand for millions. */
  private static final int MAX_VALUES = 1_000_000;

  private long characters;
  private int values;

  /** Another row begins. */
  void start() {
    characters = 0;
    values = 0;
  }

  /** About how many characters the row has. */
  int characters() {
    return (int) characters;
  }

  /**
   * Counts one more value of some characters.
   *
   * @throws UnusableValueException when the row is too large with it
   */
  void count(String column, int more) {
    characters += 1 + more;
    values++;
    if (values > MAX_VALUES || characters > MAX_CHARACTERS) {
      throw new UnusableValueException(
          "column "
              + column
              + ": expected a row of at most "
              + MAX_VALUES
              + " values and "
              + MAX_CHARACTERS
              + " bytes, found more");
    }
  }
}
