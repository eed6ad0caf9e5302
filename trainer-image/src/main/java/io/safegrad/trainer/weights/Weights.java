package io.safegrad.trainer.weights;

import java.io.Closeable;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.Optional;
import java.util.Set;

/**
 * The tensors of a checkpoint under their Hugging Face names, whatever file they come from. Nothing
 * is read before it is asked for.
 */
public interface Weights extends Closeable {

  /** The names of all tensors, for example {@code model.layers.0.self_attn.q_proj.weight}. */
  Set<String> names();

  /**
   * The shape of a tensor, as Hugging Face stores it: a linear layer is {@code [out, in]}.
   *
   * @throws io.safegrad.trainer.TrainerException with BAD_DATA when there is no such tensor
   */
  long[] shape(String name);

  /**
   * Reads a whole tensor in row-major order, widened or dequantised to float32.
   *
   * @param destination receives exactly the tensor's element count, from its position on; may be a
   *     view of memory that belongs to the tensor library
   * @throws io.safegrad.trainer.TrainerException with BAD_DATA when the file is truncated
   */
  void readFloat32(String name, FloatBuffer destination);

  /**
   * How a tensor's elements are stored, where {@link #readStored} has them; empty where they are
   * only to be had by {@link #readFloat32}.
   */
  default Optional<StorageType> stored(String name) {
    return Optional.empty();
  }

  /**
   * Reads elements of a tensor as they are stored, in row-major order and little-endian.
   *
   * @param first the first of them
   * @param destination receives as many as it has room for; read without a copy when it is a view
   *     of memory that belongs to the tensor library
   * @throws UnsupportedOperationException when {@link #stored} is empty
   * @throws io.safegrad.trainer.TrainerException with BAD_DATA when the file is truncated
   */
  default void readStored(String name, long first, ByteBuffer destination) {
    throw new UnsupportedOperationException(name + " can only be read as float32");
  }
}
