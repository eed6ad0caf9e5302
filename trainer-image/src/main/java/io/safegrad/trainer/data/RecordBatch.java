package io.safegrad.trainer.data;

import io.safegrad.trainer.TrainerException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Turns records into values on all processors, some records at a time, and hands the values on in
 * the records' order. What a first error is does not depend on the number of processors.
 */
final class RecordBatch<T> {

  private static final int MAX_RECORDS = 512;
  private static final long MAX_CHARACTERS = 4 << 20;

  private final Function<DataRecord, T> parser;
  private final Consumer<T> consumer;
  private final List<DataRecord> records = new ArrayList<>();
  private long characters;

  /**
   * @param parser is called by several threads at a time
   * @param consumer is called by the thread that adds records
   */
  RecordBatch(Function<DataRecord, T> parser, Consumer<T> consumer) {
    this.parser = parser;
    this.consumer = consumer;
  }

  /**
   * Takes a record, now or later with others.
   *
   * @throws TrainerException of the first record in error
   */
  void add(DataRecord record) {
    records.add(record);
    characters += record.size();
    if (records.size() == MAX_RECORDS || characters >= MAX_CHARACTERS) {
      flush();
    }
  }

  /**
   * Takes all that were added.
   *
   * @throws TrainerException of the first record in error
   */
  void flush() {
    List<Outcome<T>> outcomes = records.parallelStream().map(this::outcome).toList();
    records.clear();
    characters = 0;
    for (Outcome<T> each : outcomes) {
      if (each.error() != null) {
        throw each.error();
      }
      consumer.accept(each.value());
    }
  }

  /** One of both is null. */
  private record Outcome<T>(T value, TrainerException error) {}

  private Outcome<T> outcome(DataRecord record) {
    try {
      return new Outcome<>(parser.apply(record), null);
    } catch (TrainerException e) {
      return new Outcome<>(null, e);
    }
  }
}
