package io.safegrad.trainer.weights;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.api.v1alpha1.Lora;
import io.safegrad.api.v1alpha1.Lora.TargetModule;
import io.safegrad.trainer.TrainerException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A LoRA adapter in the form of Hugging Face's PEFT: a directory with {@code adapter_config.json}
 * and {@code adapter_model.safetensors}.
 *
 * @param lora rank, alpha and target modules
 * @param baseModelName what the adapter was trained on; null when the file does not say
 * @param revision the base model's revision; null when the file does not say
 * @param tensors under PEFT's names: {@code
 *     base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight} [rank, in] and {@code
 *     lora_B.weight} [out, rank]
 */
public record PeftAdapter(
    Lora lora, String baseModelName, String revision, Map<String, FloatTensor> tensors) {

  static final String CONFIG = "adapter_config.json";
  static final String WEIGHTS = "adapter_model.safetensors";

  /** Linears that stand for several target modules in a model that has them as one (Phi-3). */
  private static final Map<String, List<TargetModule>> FUSED =
      new TreeMap<>(
          Map.of(
              "qkv_proj", List.of(TargetModule.q_proj, TargetModule.k_proj, TargetModule.v_proj),
              "gate_up_proj", List.of(TargetModule.gate_proj, TargetModule.up_proj)));

  /** What the product of the two factors is multiplied with. */
  public double scale() {
    return lora.scale();
  }

  /**
   * Writes an adapter into a directory, which is made if need be.
   *
   * @param baseModelName the model's name on the Hugging Face hub, or whatever its source was
   * @param revision may be null
   * @throws TrainerException with INTERNAL when it cannot be written
   */
  public static void write(
      Path directory,
      Map<String, FloatTensor> tensors,
      Lora lora,
      String baseModelName,
      String revision) {
    AtomicFile.createDirectories(directory);
    SafetensorsFile.write(directory.resolve(WEIGHTS), tensors, Map.of("format", "pt"));
    JsonFile.write(
        directory.resolve(CONFIG),
        config(lora, moduleNames(lora, tensors.keySet()), baseModelName, revision));
  }

  /** The adapted linears as the model has them. */
  private static Set<String> moduleNames(Lora lora, Set<String> tensorNames) {
    Set<String> names = new TreeSet<>();
    lora.targetModules().forEach(module -> names.add(module.name()));
    FUSED.forEach(
        (fused, modules) -> {
          if (tensorNames.stream().anyMatch(name -> name.contains("." + fused + "."))) {
            modules.forEach(module -> names.remove(module.name()));
            names.add(fused);
          }
        });
    return names;
  }

  /** The fields of PEFT's LoraConfig that all of its versions since 0.5 know. */
  private static ObjectNode config(
      Lora lora, Set<String> moduleNames, String baseModelName, String revision) {
    ObjectNode config = JsonNodeFactory.instance.objectNode();
    config.putObject("alpha_pattern");
    config.putNull("auto_mapping");
    config.put("base_model_name_or_path", baseModelName);
    config.put("bias", "none");
    config.put("fan_in_fan_out", false);
    config.put("inference_mode", true);
    config.put("init_lora_weights", true);
    config.putNull("layers_pattern");
    config.putNull("layers_to_transform");
    config.put("lora_alpha", lora.alpha());
    config.put("lora_dropout", lora.dropout());
    config.putNull("modules_to_save");
    config.put("peft_type", "LORA");
    config.put("r", lora.rank());
    config.putObject("rank_pattern");
    config.put("revision", revision);
    ArrayNode targets = config.putArray("target_modules");
    moduleNames.forEach(targets::add);
    config.put("task_type", "CAUSAL_LM");
    config.put("use_dora", false);
    config.put("use_rslora", lora.useRslora());
    return config;
  }

  /**
   * Reads an adapter of PEFT's or of this trainer's.
   *
   * @throws TrainerException with BAD_DATA when a file is missing or broken, or the adapter is of a
   *     kind that this trainer does not make: another type than LoRA, a bias, modules to save,
   *     DoRA, ranks that differ
   */
  public static PeftAdapter read(Path directory) {
    Path file = directory.resolve(CONFIG);
    ObjectNode config = JsonFile.readObject(file);
    if (!config.path("peft_type").asText().equals("LORA")) {
      throw TensorFile.badData(file, "field peft_type: expected LORA");
    }
    if (!config.path("bias").asText("none").equals("none")) {
      throw TensorFile.badData(file, "field bias: expected none");
    }
    for (String field : List.of("use_dora", "fan_in_fan_out", "lora_bias")) {
      if (config.path(field).asBoolean(false)) {
        throw TensorFile.badData(file, "field " + field + ": expected false");
      }
    }
    for (String field : List.of("modules_to_save", "rank_pattern", "alpha_pattern")) {
      if (!config.path(field).isEmpty()) {
        throw TensorFile.badData(file, "field " + field + ": expected none");
      }
    }
    Lora lora =
        new Lora(
            integer(config, "r", file),
            integer(config, "lora_alpha", file),
            0.0,
            config.path("use_rslora").asBoolean(false),
            targets(config, file));
    Map<String, FloatTensor> tensors = SafetensorsFile.read(directory.resolve(WEIGHTS));
    return new PeftAdapter(
        lora, text(config, "base_model_name_or_path"), text(config, "revision"), tensors);
  }

  private static String text(ObjectNode config, String field) {
    return config.path(field).isTextual() ? config.path(field).asText() : null;
  }

  private static int integer(ObjectNode config, String field, Path file) {
    JsonNode value = config.path(field);
    if (!value.isIntegralNumber() || !value.canConvertToInt() || value.asInt() < 1) {
      throw TensorFile.badData(file, "field " + field + ": expected a whole number of at least 1");
    }
    return value.asInt();
  }

  private static List<TargetModule> targets(ObjectNode config, Path file) {
    List<TargetModule> targets = new ArrayList<>();
    for (JsonNode name : config.path("target_modules")) {
      if (FUSED.containsKey(name.asText())) {
        targets.addAll(FUSED.get(name.asText()));
        continue;
      }
      targets.add(
          Arrays.stream(TargetModule.values())
              .filter(module -> module.name().equals(name.asText()))
              .findFirst()
              .orElseThrow(
                  () ->
                      TensorFile.badData(
                          file,
                          "field target_modules: expected some of "
                              + Arrays.toString(TargetModule.values())
                              + " or "
                              + FUSED.keySet()
                              + ", found "
                              + name.asText())));
    }
    if (targets.isEmpty()) {
      throw TensorFile.badData(
          file, "field target_modules: expected a list of at least one module");
    }
    return List.copyOf(targets);
  }
}
