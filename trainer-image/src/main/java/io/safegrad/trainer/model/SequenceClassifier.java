package io.safegrad.trainer.model;

import io.safegrad.api.v1alpha1.Model;
import io.safegrad.api.v1alpha1.Training.GradientCheckpointing;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.tensor.Compute;
import io.safegrad.trainer.tensor.ComputeType;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.tensor.Torch;
import io.safegrad.trainer.weights.Weights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A decoder with a linear layer over labels in place of its output head, as transformers' {@code
 * …ForSequenceClassification}: a text's logits are those of its last token that is not padding.
 * Texts of similar length are computed together. Not for concurrent use.
 */
public final class SequenceClassifier implements AutoCloseable {

  /** The linear layer's name in files. */
  public static final String SCORE = "score.weight";

  /** Enough for a full matrix product. */
  static final int TOKENS_AT_ONCE = 2048;

  private final ClassifierConfig config;
  private final Torch torch;
  private final ModelTensors model;
  private final Tensor score;
  private final Tensor noAdapter;
  private final TrainingPass pass;

  private SequenceClassifier(ClassifierConfig config, Torch torch, Weights weights) {
    this.config = config;
    this.torch = torch;
    Scope scope = torch.scope();
    ModelConfig decoder = config.decoder();
    model =
        new ModelLoader(decoder, scope, torch.operators(), storage(torch.compute()))
            .load(weights, null, 0);
    score = scope.uninitialised(config.labels().size(), decoder.hiddenSize());
    new NamedTensor(SCORE, score.shape(), score, 0, false).readFrom(weights);
    noAdapter = AdapterGates.none(scope).frozen();
    pass =
        new TrainingPass(
            decoder,
            torch,
            new Decoder(decoder, torch.operators(), torch.compute(), scope.child()),
            Recomputation.of(GradientCheckpointing.Never),
            scope.child());
  }

  /**
   * Reads a classifier.
   *
   * @param compute where and in what type it computes
   * @throws TrainerException with BAD_DATA when a tensor is missing or has another shape than the
   *     configuration asks for
   */
  public static SequenceClassifier load(ClassifierConfig config, Weights weights, Compute compute) {
    Torch torch = Torch.open(compute);
    try {
      return new SequenceClassifier(config, torch, weights);
    } catch (RuntimeException e) {
      torch.close();
      throw e;
    }
  }

  private static Model.Storage storage(Compute compute) {
    return compute.type() == ComputeType.FLOAT32 ? Model.Storage.Float32 : Model.Storage.BFloat16;
  }

  /**
   * The logits of each label.
   *
   * @param texts token ids, at least one each
   * @return a row for each text, in their order
   */
  public float[][] logits(List<int[]> texts) {
    List<Integer> byLength =
        IntStream.range(0, texts.size())
            .boxed()
            .sorted(Comparator.comparingInt(i -> texts.get(i).length))
            .toList();
    float[][] logits = new float[texts.size()][];
    int first = 0;
    while (first < byLength.size()) {
      int end = first;
      int tokens = 0;
      do {
        tokens += texts.get(byLength.get(end)).length;
        end++;
      } while (end < byLength.size()
          && tokens + texts.get(byLength.get(end)).length <= TOKENS_AT_ONCE);
      List<Integer> some = byLength.subList(first, end);
      List<float[]> found = together(some.stream().map(texts::get).toList());
      for (int i = 0; i < some.size(); i++) {
        logits[some.get(i)] = found.get(i);
      }
      first = end;
    }
    return logits;
  }

  private List<float[]> together(List<int[]> texts) {
    long[] positions = new long[texts.size()];
    int first = 0;
    for (int i = 0; i < positions.length; i++) {
      positions[i] = first + config.lastToken(texts.get(i));
      first += texts.get(i).length;
    }
    try (Scope scope = torch.scope().child()) {
      Tensor states = pass.states(scope, model, batch(texts), noAdapter, positions);
      float[] values = torch.operators().one(scope, "logits", states, score, 0.0).toFloatArray();
      List<float[]> rows = new ArrayList<>();
      for (int i = 0; i < positions.length; i++) {
        int labels = config.labels().size();
        rows.add(Arrays.copyOfRange(values, i * labels, (i + 1) * labels));
      }
      return rows;
    }
  }

  private static Batch batch(List<int[]> texts) {
    return Batch.of(
        texts.stream()
            .map(
                ids -> {
                  int[] labels = new int[ids.length];
                  Arrays.fill(labels, TokenizedExample.IGNORED);
                  return new TokenizedExample(ids, labels, 1);
                })
            .toList());
  }

  @Override
  public void close() {
    torch.close();
  }
}
