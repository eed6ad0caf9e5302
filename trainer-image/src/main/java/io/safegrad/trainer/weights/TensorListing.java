package io.safegrad.trainer.weights;

import io.safegrad.trainer.TrainerException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What tensors a file holds, whether they can be used here or not.
 *
 * @param architecture that a GGUF file names; empty for safetensors
 */
public record TensorListing(Optional<String> architecture, List<Entry> tensors) {

  /**
   * One tensor.
   *
   * @param type as its format names it, for example BF16 or Q4_K
   */
  public record Entry(String name, String type, long[] shape) {

    /** How many numbers it has. */
    public long elements() {
      return SafetensorsHeader.elements(shape);
    }
  }

  /**
   * Lists a safetensors file.
   *
   * @throws TrainerException with BAD_DATA when it is broken or truncated
   */
  public static TensorListing ofSafetensors(Path path) {
    try (TensorFile file = TensorFile.open(path)) {
      List<Entry> tensors = new ArrayList<>();
      SafetensorsHeader.read(file)
          .tensors()
          .forEach((name, entry) -> tensors.add(new Entry(name, entry.dtype(), entry.shape())));
      return new TensorListing(Optional.empty(), tensors);
    }
  }

  /**
   * Lists a GGUF file.
   *
   * @throws TrainerException with BAD_DATA when it is broken or truncated
   */
  public static TensorListing ofGguf(Path path) {
    try (TensorFile file = TensorFile.open(path)) {
      GgufHeader header = GgufHeader.read(file);
      List<Entry> tensors = new ArrayList<>();
      header
          .tensors()
          .forEach((name, entry) -> tensors.add(new Entry(name, ggmlType(entry), entry.shape())));
      return new TensorListing(header.metadata().optionalText("general.architecture"), tensors);
    }
  }

  private static String ggmlType(GgufHeader.Entry entry) {
    return ElementType.ofGgmlType(entry.ggmlType())
        .map(Enum::name)
        .orElse("ggml type " + entry.ggmlType());
  }

  /** How many numbers all of them have. */
  public long elements() {
    return tensors.stream().mapToLong(Entry::elements).sum();
  }

  /** How many numbers there are of each type. */
  public Map<String, Long> elementsByType() {
    Map<String, Long> counts = new TreeMap<>();
    tensors.forEach(tensor -> counts.merge(tensor.type(), tensor.elements(), Long::sum));
    return counts;
  }

  /** The tensors of several files. */
  public static TensorListing of(List<TensorListing> files) {
    return new TensorListing(
        Optional.empty(), files.stream().flatMap(file -> file.tensors.stream()).toList());
  }
}
