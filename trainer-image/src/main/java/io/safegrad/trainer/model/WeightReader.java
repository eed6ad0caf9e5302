package io.safegrad.trainer.model;

import io.safegrad.trainer.tensor.Operators;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.weights.StorageType;
import io.safegrad.trainer.weights.Weights;
import java.util.List;

/**
 * Reads a checkpoint's weights into tensors. What a file has in bfloat16 goes from the file into
 * the tensor library's memory as it is, and that library widens it where float32 is kept; all else
 * is widened as it is read.
 */
final class WeightReader implements AutoCloseable {

  private static final int CHUNK_ELEMENTS = 1 << 22;

  private final Weights source;
  private final Operators operators;
  private final Scope host;
  // One each for all: pieces that come and go between those that stay leave holes in the allocator.
  private final Tensor chunk;
  private final Tensor widened;

  /**
   * @param host of tensors on the host; holds what it needs itself, and is closed with it
   * @param largest the most elements of a matrix that {@link #narrowed} reads; 0 for none
   */
  WeightReader(Weights source, Operators operators, Scope host, long largest) {
    this.source = source;
    this.operators = operators;
    this.host = host;
    this.chunk = operators.one(host, "empty_bfloat16", new long[] {CHUNK_ELEMENTS});
    this.widened = host.uninitialised(largest);
  }

  /** Fills a part of a float32 tensor. */
  void read(NamedTensor part) {
    if (isStored(part, StorageType.FLOAT32) && part.tensor().visible()) {
      part.copyFrom(source);
    } else if (isStored(part, StorageType.BFLOAT16)) {
      part.requireShape(source);
      for (int first = 0; first < part.size(); first += CHUNK_ELEMENTS) {
        widen(part, first, Math.min(CHUNK_ELEMENTS, part.size() - first));
      }
    } else {
      part.readFrom(source);
    }
  }

  private boolean isStored(NamedTensor part, StorageType type) {
    return source.stored(part.name()).filter(type::equals).isPresent();
  }

  private void widen(NamedTensor part, int first, int count) {
    source.readStored(part.name(), first, chunk.bytes(0, count));
    try (Scope views = host.child()) {
      Tensor there =
          operators.one(views, "elements", part.tensor(), part.firstElement() + first, count);
      operators.apply("copy_", there, operators.one(views, "elements", chunk, 0, count));
    }
  }

  /**
   * A matrix in bfloat16.
   *
   * @param parts what stands in it one below the other; the tensors in them are not looked at
   * @return [rows, columns], on the host, until the reader is closed
   */
  Tensor bfloat16(List<NamedTensor> parts, int rows, int columns) {
    if (!parts.stream().allMatch(part -> isStored(part, StorageType.BFLOAT16))) {
      return narrowed("to_bfloat16", parts, rows, columns);
    }
    Tensor matrix = operators.one(host, "empty_bfloat16", new long[] {rows, columns});
    parts.forEach(part -> part.within(matrix).copyFrom(source));
    return matrix;
  }

  /**
   * A matrix in less memory than float32 takes.
   *
   * @param operator makes it of a float32 matrix
   * @param parts as {@link #bfloat16} takes them
   * @return [rows, columns], on the host, until the reader is closed
   */
  Tensor narrowed(String operator, List<NamedTensor> parts, int rows, int columns) {
    try (Scope views = host.child()) {
      Tensor whole =
          rows * columns <= widened.size() ? widened : views.uninitialised(rows * columns);
      parts.forEach(part -> read(part.within(whole)));
      Tensor matrix = operators.one(views, "first_matrix", whole, rows, columns);
      return operators.one(host, operator, matrix);
    }
  }

  @Override
  public void close() {
    host.close();
  }
}
