package io.safegrad.trainer.weights;

import java.io.Closeable;
import java.nio.FloatBuffer;
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
}
