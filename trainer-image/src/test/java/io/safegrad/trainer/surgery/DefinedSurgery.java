package io.safegrad.trainer.surgery;

import java.util.List;
import java.util.stream.IntStream;

/** What the surgery with earlier alignment gradients is, step by step on arrays. */
final class DefinedSurgery {

  private DefinedSurgery() {}

  /** The user's gradient afterwards; the oldest alignment gradient comes first. */
  static double[] of(float[] user, List<float[]> alignments, double weight) {
    double[] left = doubles(user);
    int newest = alignments.size() - 1;
    for (int turn = 0; turn < 2; turn++) {
      for (int earlier = 0; earlier < newest; earlier++) {
        projectOff(left, doubles(alignments.get(earlier)));
      }
    }
    projectOff(left, doubles(alignments.get(newest)));
    add(left, doubles(alignments.get(newest)), weight);
    return left;
  }

  static void projectOff(double[] vector, double[] direction) {
    double along = dot(vector, direction);
    double squared = dot(direction, direction);
    if (along < 0 && squared > 1e-9) {
      add(vector, direction, -along / squared);
    }
  }

  static double distance(float[] a, double[] b) {
    double[] difference = doubles(a);
    add(difference, b, -1);
    return Math.sqrt(dot(difference, difference));
  }

  static double cosine(float[] a, float[] b) {
    return dot(doubles(a), doubles(b)) / (norm(a) * norm(b));
  }

  static double norm(float[] vector) {
    return Math.sqrt(dot(doubles(vector), doubles(vector)));
  }

  static double dot(double[] a, double[] b) {
    return IntStream.range(0, a.length).mapToDouble(i -> a[i] * b[i]).sum();
  }

  static void add(double[] to, double[] vector, double factor) {
    for (int i = 0; i < to.length; i++) {
      to[i] += factor * vector[i];
    }
  }

  static double[] doubles(float[] values) {
    return IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray();
  }
}
