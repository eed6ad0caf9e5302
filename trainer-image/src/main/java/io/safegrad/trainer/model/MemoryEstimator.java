package io.safegrad.trainer.model;

import io.safegrad.api.TrainingPlan;
import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Model.Storage;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.trainer.model.MemoryEstimate.Moment;
import io.safegrad.trainer.model.MemoryEstimate.Part;
import io.safegrad.trainer.model.Workload.Rows;
import io.safegrad.trainer.tensor.Compute;
import io.safegrad.trainer.tensor.ComputeDevice;
import io.safegrad.trainer.tensor.ComputeType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Computes what a run will need of memory from its model's shapes, its plan and its data's lengths.
 * It follows {@link TrainingPass} and {@code decoder_layer.torchscript}: what they save and make is
 * counted here, tensor by tensor; four constants stand for what is not a tensor.
 */
public final class MemoryEstimator {

  private static final long MIB = 1 << 20;

  /** Java without its heap, libtorch's code, the operators, MKL's buffers. */
  private static final long NATIVE_BYTES = 192 * MIB;

  /** What bin/safegrad-trainer lets Java's young objects fill, and the old ones that stay. */
  private static final long HEAP_BYTES = 60 * MIB;

  /** What the heap of tensors keeps though nothing is in it, above all after an evaluation. */
  private static final long FREE_BYTES = 32 * MIB;

  /** A token of the tokenizer, in its own library and in Java's. */
  private static final long VOCABULARY_ENTRY_BYTES = 1200;

  /** Positions whose logits are there at the same time, in {@code ends.torchscript}. */
  private static final long LOGIT_ROWS = 128;

  /** Logits of which something more is there at the same time, in {@code ends.torchscript}. */
  private static final int LOGITS_IN_CACHE = 1 << 20;

  private final ModelConfig config;
  private final ModelSize size;
  private final Compute compute;
  private final Storage storage;
  private final Method method;
  private final Training training;
  private final Workload workload;
  private final long maxHeapBytes;

  /**
   * @param maxHeapBytes most that Java's heap may become
   */
  public MemoryEstimator(
      ModelConfig config, TrainingPlan plan, Workload workload, long maxHeapBytes) {
    this.config = config;
    this.size = new ModelSize(config);
    this.method = plan.method().resolved();
    this.training = plan.training();
    this.compute = Compute.on(ComputeDevice.CPU, training.bf16());
    this.storage = full() ? plan.model().storage() : CausalLm.kept(plan.model().storage(), compute);
    this.workload = workload;
    this.maxHeapBytes = maxHeapBytes;
  }

  /** The estimate at the moment that needs most. */
  public MemoryEstimate estimate() {
    List<MemoryEstimate> moments = new ArrayList<>();
    moments.add(at(Moment.LOADING, 0, loading()));
    moments.add(at(Moment.EVALUATION, 0, evaluation()));
    if (workload.judgeBytes() > 0) {
      moments.add(at(Moment.JUDGEMENT, 0, 0));
    }
    for (Rows pass : passes()) {
      boolean divergence = method.name().hasAlignmentWeight();
      moments.add(at(Moment.LOSS, activations(pass, false), loss(pass, divergence)));
      moments.add(at(Moment.BACKWARD, activations(pass, true), backward(pass)));
    }
    Rows compared = workload.attribution().alignment();
    if (compared.tokens() > 0) {
      moments.add(attribution(activations(compared, false), loss(compared, true)));
      moments.add(attribution(activations(compared, true), backward(compared)));
      // Everything that is trained, moved along the gradient.
      moments.add(attribution(0, trainedBytes() + forward(workload.user())));
    }
    return moments.stream().max(Comparator.comparingLong(MemoryEstimate::bytes)).orElseThrow();
  }

  private MemoryEstimate at(Moment moment, long activations, long working) {
    boolean before = moment == Moment.LOADING;
    Map<Part, Long> parts = new EnumMap<>(Part.class);
    parts.put(Part.PROCESS, process());
    parts.put(Part.WEIGHTS, weights());
    parts.put(Part.ADAPTER, full() ? 0 : trainedBytes());
    parts.put(Part.GRADIENTS, before ? 0 : vectors() * trainedBytes());
    parts.put(Part.OPTIMIZER, before ? 0 : 2 * trainedBytes());
    parts.put(Part.REFERENCE, before ? 0 : reference(workload.referenceTokens()));
    parts.put(Part.JUDGE, moment == Moment.JUDGEMENT ? workload.judgeBytes() : 0);
    parts.put(Part.ACTIVATIONS, activations);
    parts.put(Part.WORKING, working);
    return new MemoryEstimate(moment, parts);
  }

  /** The alignment gradient is one more; after training it is the only one. */
  private MemoryEstimate attribution(long activations, long working) {
    long afterTraining = workload.attribution().afterTraining();
    Map<Part, Long> parts = new EnumMap<>(at(Moment.ATTRIBUTION, activations, working).parts());
    parts.merge(Part.GRADIENTS, trainedBytes(), Long::sum);
    if (afterTraining > 0) {
      parts.put(Part.GRADIENTS, trainedBytes());
      parts.put(Part.OPTIMIZER, 0L);
      parts.put(Part.REFERENCE, reference(workload.referenceTokens() + afterTraining));
    }
    return new MemoryEstimate(Moment.ATTRIBUTION, parts);
  }

  private boolean full() {
    return training.mode() == Training.Mode.Full;
  }

  // What is there all the time.

  private long process() {
    return NATIVE_BYTES
        + FREE_BYTES
        + Math.min(maxHeapBytes, HEAP_BYTES)
        + VOCABULARY_ENTRY_BYTES * config.vocabSize();
  }

  long weights() {
    return size.weights(storage);
  }

  long trainedBytes() {
    if (full()) {
      return weights();
    }
    return size.adapter(training.lora());
  }

  /** Gradients, and all else of which there is one for each trained value. */
  private long vectors() {
    long vectors =
        switch (method.name()) {
          case Sft, SafeLora -> 1;
          case SafeGrad, WeightedSum, Lisa, Spag -> 2;
        };
    return vectors
        + method.alignmentHistorySize()
        + (Boolean.TRUE.equals(training.loadBestModelAtEnd()) ? 1 : 0);
  }

  private long reference(long tokens) {
    long head = full() ? (long) config.vocabSize() * config.hiddenSize() : 0;
    return tokens > 0 ? computed(tokens * config.hiddenSize()) + floats(head) : 0;
  }

  // What comes and goes.

  /** The batches of a step, each of which is one forward and one backward. */
  private List<Rows> passes() {
    Rows user = workload.user();
    Rows alignment = workload.alignment();
    boolean joint =
        !full()
            && method.name().hasAlignmentWeight()
            && JointPass.pays(user.tokens(), alignment.tokens());
    if (!joint) {
      return List.of(user, alignment);
    }
    int alone = JointPass.alone(user.lengths(), alignment.tokens());
    IntStream beside = Arrays.stream(user.lengths()).skip(alone);
    return List.of(
        new Rows(Arrays.copyOf(user.lengths(), alone)),
        new Rows(IntStream.concat(beside, Arrays.stream(alignment.lengths())).toArray()));
  }

  /** What layers save, at the end of the forward pass or while the last one goes back. */
  private long activations(Rows pass, boolean backward) {
    long again = backward ? saved(pass) : 0;
    return inputs(pass) + (keeps(pass) ? config.layers() * saved(pass) : again);
  }

  private boolean keeps(Rows pass) {
    return Recomputation.of(training.gradientCheckpointingOrDefault())
        .keeps(config.layers() * saved(pass));
  }

  /** The inputs of all layers, which are kept in any case, and each token's rotations. */
  private long inputs(Rows pass) {
    return computed(config.layers() * pass.tokens() * config.hiddenSize())
        + floats(pass.tokens() * rotations());
  }

  /** Cosines and sines of a token, of each position embedding that the layers have. */
  private long rotations() {
    return config.attention().stream()
        .map(ModelConfig.LayerAttention::rotary)
        .distinct()
        .mapToLong(rotary -> 2L * rotary.frequencies().length)
        .sum();
  }

  /** What one layer saves besides its input, in the order of {@code layer_forward}. */
  long saved(Rows pass) {
    // The attention's log-sum-exp of each head is float32.
    long wide = (Float.BYTES - compute.type().bytes()) * pass.tokens() * config.heads();
    return wide
        + computed(
            pass.tokens()
                * (size.layerWidth() + (full() ? 0 : size.adapterWidth(training.lora()))));
  }

  private long loading() {
    long largest =
        Math.max(
            (long) config.vocabSize() * config.hiddenSize(), LinearGroup.largestMatrix(config));
    return storage == Storage.Float32 ? 0 : floats(largest);
  }

  private long evaluation() {
    Rows prompts = workload.prompts();
    long cached = (long) prompts.length() + workload.replyTokens();
    long caches = 2 * config.layers() * prompts.count() * cached * config.keyValueWidth();
    long logits = 2L * prompts.count() * config.vocabSize();
    return computed(caches) + floats(logits) + denseHead() + forward(prompts);
  }

  /** One layer's forward, whose temporary tensors are fewer than those that it saves. */
  private long forward(Rows rows) {
    return 2 * saved(rows) + computed(2 * rows.tokens() * config.hiddenSize());
  }

  private long loss(Rows pass, boolean divergence) {
    long models = divergence ? 2 : 1;
    long logits = Math.min(LOGIT_ROWS, pass.tokens()) * config.vocabSize();
    long inCache = Math.min(logits, Math.max(LOGITS_IN_CACHE, config.vocabSize()));
    long work = (models + (config.logitSoftCap() > 0 ? 2 : 0)) * inCache;
    // The gradient by the last layer's output; the states of the response and their gradient.
    long states = 3 * pass.tokens() * config.hiddenSize();
    long narrow = inFloat32() ? 0 : logits;
    return floats((models + 1) * logits + work) + computed(states + narrow) + denseHead();
  }

  /** The copy of the output head, which is kept in bfloat16 where it is not in float32. */
  private long denseHead() {
    boolean asKept = inFloat32() == (storage == Storage.Float32);
    return asKept ? 0 : computed((long) config.vocabSize() * config.hiddenSize());
  }

  /** The copy of a matrix that one operation sees, and for int8 the one between. */
  private long copied(long elements) {
    boolean asKept = storage == (inFloat32() ? Storage.Float32 : Storage.BFloat16);
    long between = storage == Storage.Int8 && !inFloat32() ? floats(elements) : 0;
    return asKept ? 0 : computed(elements) + between;
  }

  private long backward(Rows pass) {
    long hidden = config.hiddenSize();
    long mlp = 5L * config.intermediateSize() + 2 * hidden;
    long attention = 8L * config.queryWidth() + size.qkvWidth() + 3 * hidden;
    return computed(pass.tokens() * Math.max(mlp, attention))
        + floats(scores(pass))
        + copied(LinearGroup.largestMatrix(config));
  }

  /** The attention scores that are there where no fused kernel makes them, and the mask. */
  private long scores(Rows pass) {
    long square = (long) pass.length() * pass.length();
    boolean windowed =
        config.attention().stream()
            .anyMatch(layer -> layer.window() > 0 && layer.window() < pass.length());
    return config.attentionSoftCap() > 0
        ? (4L * config.heads() + 1) * square
        : windowed ? 2 * square : 0;
  }

  private boolean inFloat32() {
    return compute.type() == ComputeType.FLOAT32;
  }

  /** Bytes of so many values of the type that layers compute in. */
  private long computed(long count) {
    return compute.type().bytes() * count;
  }

  private static long floats(long count) {
    return Float.BYTES * count;
  }
}
