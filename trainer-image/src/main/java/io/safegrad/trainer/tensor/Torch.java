package io.safegrad.trainer.tensor;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.JniUtils;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The tensor library: loads it, and owns the outermost scope and the operators. Close it to give
 * back everything.
 */
public final class Torch implements AutoCloseable {

  private static final List<String> SOURCES =
      List.of(
          "attention.torchscript",
          "decoder_layer.torchscript",
          "ends.torchscript",
          "vectors.torchscript",
          productSource());

  private final Compute compute;
  private final PtNDManager manager;
  private final Operators operators;
  private final DeviceMemory memory;
  private final Scope scope;

  private Torch(Compute compute, PtNDManager manager, Operators operators) {
    this.compute = compute;
    this.manager = manager;
    this.operators = operators;
    PtNDManager staging = (PtNDManager) manager.newSubManager(Device.cpu());
    this.memory =
        new DeviceMemory(compute.device(), new Scope(staging, DeviceMemory.ofHost()), operators);
    this.scope = new Scope((PtNDManager) manager.newSubManager(device(compute)), memory);
  }

  /** oneDNN's operators are in each libtorch for x86 that DJL has, and in few others. */
  private static String productSource() {
    boolean x86 = List.of("amd64", "x86_64").contains(System.getProperty("os.arch"));
    return x86 ? "product_onednn.torchscript" : "product.torchscript";
  }

  private static Device device(Compute compute) {
    return compute.device().cuda() ? Device.gpu(0) : Device.cpu();
  }

  /**
   * DJL would look up its host at a cloud metadata service, report, and download what it misses.
   */
  public static void keepOffline() {
    System.setProperty("OPT_OUT_TRACKING", "true");
    System.setProperty("ai.djl.offline", "true");
  }

  /** Loads the library, once per process, and opens a scope on the processor. */
  public static Torch open() {
    return open(Compute.CPU);
  }

  /** The same on a device, which {@link GpuCheck} has found fit. */
  public static Torch open(Compute compute) {
    keepOffline();
    PtNDManager manager = (PtNDManager) Engine.getEngine("PyTorch").newBaseManager(Device.cpu());
    try (InputStream archive = TorchScriptArchive.of(sources())) {
      Torch torch =
          new Torch(
              compute, manager, new Operators(JniUtils.loadModule(manager, archive, true, false)));
      torch.useVectorFunctions();
      return torch;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * MKL finds out which code its vector functions, exp and its like, are to use at their first use:
   * it writes one answer and then a better one, without a lock (mkl_vml_serv_cpu_detect in MKL
   * 2024.2). A second thread that reads between the two computes its part less exactly, and then a
   * run differs from others of its plan from its first step on. So one thread goes first.
   */
  private void useVectorFunctions() {
    try (Scope once = new Scope((PtNDManager) manager.newSubManager(), DeviceMemory.ofHost())) {
      operators.one(once, "vector_functions");
    }
  }

  /** Sets how many threads one operator may use, for the whole process. */
  public void setThreads(int threads) {
    JniUtils.setNumThreads(threads);
  }

  /** How many threads one operator may use. */
  public int threads() {
    return JniUtils.getNumThreads();
  }

  /** Where and in what type is computed. */
  public Compute compute() {
    return compute;
  }

  /**
   * How often what a tensor holds was read until now. Each time waits for all that a GPU has to do.
   */
  public long hostReads() {
    return memory.reads();
  }

  /** The outermost scope. */
  public Scope scope() {
    return scope;
  }

  /** The operators. */
  public Operators operators() {
    return operators;
  }

  private static List<String> sources() throws IOException {
    List<String> sources = new ArrayList<>();
    for (String name : SOURCES) {
      try (InputStream source = Torch.class.getResourceAsStream(name)) {
        sources.add(new String(source.readAllBytes(), StandardCharsets.UTF_8));
      }
    }
    return sources;
  }

  @Override
  public void close() {
    manager.close();
  }
}
