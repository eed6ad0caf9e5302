package io.safegrad.trainer.train;

import io.safegrad.trainer.weights.TensorContents;
import io.safegrad.trainer.weights.Weights;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Vectors in one file. A single one has its tensors' names there; of several, each has its place
 * before them: {@code 0.NAME}, {@code 1.NAME}.
 */
final class NumberedVectors {

  private NumberedVectors() {}

  private static String prefix(int place, int count) {
    return count == 1 ? "" : place + ".";
  }

  /** What is written of vectors that have the same names. */
  static TensorContents contents(List<TensorContents> vectors) {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    Map<String, Source> sources = new LinkedHashMap<>();
    for (int place = 0; place < vectors.size(); place++) {
      TensorContents vector = vectors.get(place);
      String prefix = prefix(place, vectors.size());
      vector
          .shapes()
          .forEach(
              (name, shape) -> {
                shapes.put(prefix + name, shape);
                sources.put(prefix + name, new Source(vector, name));
              });
    }
    return new TensorContents() {

      @Override
      public Map<String, long[]> shapes() {
        return shapes;
      }

      @Override
      public void read(String name, Values values) throws IOException {
        Source source = sources.get(name);
        source.vector().read(source.name(), values);
      }
    };
  }

  private record Source(TensorContents vector, String name) {}

  /** One of so many vectors of a file. */
  static Weights of(Weights file, int place, int count) {
    String prefix = prefix(place, count);
    return new Weights() {

      @Override
      public Set<String> names() {
        return file.names().stream()
            .filter(name -> name.startsWith(prefix))
            .map(name -> name.substring(prefix.length()))
            .collect(Collectors.toSet());
      }

      @Override
      public long[] shape(String name) {
        return file.shape(prefix + name);
      }

      @Override
      public void readFloat32(String name, FloatBuffer destination) {
        file.readFloat32(prefix + name, destination);
      }

      /** Nothing: the file is its opener's. */
      @Override
      public void close() {}
    };
  }
}
