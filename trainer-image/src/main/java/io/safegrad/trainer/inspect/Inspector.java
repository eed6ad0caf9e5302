package io.safegrad.trainer.inspect;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.report.RunReport;
import io.safegrad.trainer.run.CheckpointFolder;
import io.safegrad.trainer.weights.JsonFile;
import io.safegrad.trainer.weights.PeftAdapter;
import io.safegrad.trainer.weights.TensorListing;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Tells what a file or directory is, by what is in it. */
public final class Inspector {

  private static final String SAFETENSORS = ".safetensors";

  private Inspector() {}

  /**
   * Looks at a file or directory.
   *
   * @throws TrainerException with SOURCE_UNAVAILABLE when there is nothing at the path, with
   *     BAD_DATA when it is nothing that this program knows
   */
  public static Inspection inspect(Path path) throws IOException {
    if (!Files.exists(path)) {
      throw new TrainerException(
          ExitReason.SOURCE_UNAVAILABLE, path + ": there is nothing at this path");
    }
    return Files.isDirectory(path) ? directory(path) : file(path);
  }

  private static Inspection directory(Path path) throws IOException {
    if (Files.exists(path.resolve("checkpoint.json"))) {
      return checkpoint(path);
    }
    if (Files.exists(path.resolve("adapter_config.json"))) {
      return adapter(path);
    }
    if (Files.exists(path.resolve("config.json"))) {
      return ModelInspection.directory(path);
    }
    if (Files.exists(path.resolve(RunReport.FILE_NAME))) {
      return report(path.resolve(RunReport.FILE_NAME));
    }
    throw unknown(
        path, "expected config.json, adapter_config.json, checkpoint.json or report.json in it");
  }

  private static Inspection file(Path path) throws IOException {
    byte[] start;
    try (var in = Files.newInputStream(path)) {
      start = in.readNBytes(9);
    }
    if (new String(start, 0, Math.min(4, start.length)).equals("GGUF")) {
      return ModelInspection.gguf(path);
    }
    // A safetensors file: its header's length, and then JSON.
    if (path.toString().endsWith(SAFETENSORS) || start.length == 9 && start[8] == '{') {
      return safetensors(path);
    }
    if (start.length > 0 && start[0] == '{') {
      return report(path);
    }
    throw unknown(path, "expected GGUF, safetensors or a report.json");
  }

  private static TrainerException unknown(Path path, String expected) {
    return new TrainerException(
        ExitReason.BAD_DATA, path + ": it is nothing that this program knows; " + expected);
  }

  private static Inspection safetensors(Path path) throws IOException {
    Inspection inspection = new Inspection(path, "safetensors file");
    inspection.facts().put("bytes", Files.size(path));
    inspection.look(() -> putTensors(inspection, TensorListing.ofSafetensors(path)));
    return inspection;
  }

  /** How many tensors and numbers there are, and of what types. */
  static void putTensors(Inspection inspection, TensorListing listing) {
    inspection.facts().put("tensors", listing.tensors().size());
    inspection.facts().put("parameters", listing.elements());
    ObjectNode types = inspection.facts().putObject("types");
    listing.elementsByType().forEach(types::put);
  }

  /** Bytes of some files. */
  static long bytes(List<Path> files) throws IOException {
    long bytes = 0;
    for (Path file : files) {
      bytes += Files.size(file);
    }
    return bytes;
  }

  /** The safetensors files of a directory. */
  static List<Path> weightFiles(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(file -> file.toString().endsWith(SAFETENSORS)).sorted().toList();
    }
  }

  private static Inspection adapter(Path path) throws IOException {
    Inspection inspection = new Inspection(path, "PEFT LoRA adapter");
    List<Path> files = weightFiles(path);
    inspection.facts().put("bytes", bytes(files));
    inspection.look(() -> putTensors(inspection, listing(files)));
    inspection.look(
        () -> {
          PeftAdapter adapter = PeftAdapter.read(path);
          inspection.facts().put("baseModel", adapter.baseModelName());
          inspection.facts().put("revision", adapter.revision());
          inspection.facts().put("rank", adapter.lora().rank());
          inspection.facts().put("alpha", adapter.lora().alpha());
          adapter
              .lora()
              .targetModules()
              .forEach(
                  target -> inspection.facts().withArray("targetModules").add(target.toString()));
        });
    if (Files.exists(path.resolve(RunReport.FILE_NAME))) {
      putReport(inspection, path.resolve(RunReport.FILE_NAME));
    }
    return inspection;
  }

  /** The tensors of several safetensors files. */
  static TensorListing listing(List<Path> files) {
    return TensorListing.of(files.stream().map(TensorListing::ofSafetensors).toList());
  }

  private static Inspection checkpoint(Path path) throws IOException {
    Inspection inspection = new Inspection(path, "checkpoint of a run");
    List<Path> files = weightFiles(path);
    inspection.facts().put("bytes", bytes(files));
    inspection.look(() -> putTensors(inspection, listing(files)));
    inspection.look(
        () -> {
          JsonNode manifest = JsonFile.readObject(path.resolve("checkpoint.json"));
          inspection.facts().set("steps", manifest.path("steps"));
          inspection.facts().set("plan", manifest.path("origin").path("plan"));
          inspection.facts().set("trainer", manifest.path("origin").path("trainer"));
        });
    try {
      CheckpointFolder.requireWhole(path);
    } catch (IOException e) {
      inspection.problem(path + ": " + e.getMessage());
    }
    return inspection;
  }

  private static Inspection report(Path path) {
    Inspection inspection = new Inspection(path, "report of a run");
    putReport(inspection, path);
    return inspection;
  }

  private static void putReport(Inspection inspection, Path path) {
    JsonNode report;
    try {
      report = JsonFile.readObject(path);
    } catch (TrainerException e) {
      inspection.problem(e.getMessage());
      return;
    }
    if (!report.path("schema").asText().startsWith("safegrad.io/report/")) {
      throw unknown(path, "expected a report.json, whose field schema is " + RunReport.SCHEMA);
    }
    ObjectNode facts = inspection.facts();
    facts.set("run", report.path("run"));
    facts.set("verdict", report.at("/verdict/message"));
    facts.set("refusalOfStart", report.at("/measurements/start/refusal/rate"));
    facts.set("refusalOfTuned", report.at("/measurements/tuned/refusal/rate"));
    facts.set("steps", report.at("/training/steps"));
    facts.set("plan", report.at("/plan/digest"));
    facts.set("artifact", report.at("/artifact/digest"));
  }
}
