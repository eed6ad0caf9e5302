package io.safegrad.trainer.weights;

import com.fasterxml.jackson.databind.JsonNode;
import io.safegrad.trainer.TrainerException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** The weights of a Hugging Face model directory: one safetensors file, or shards and an index. */
public final class SafetensorsWeights implements Weights {

  public static final String SINGLE_FILE = "model.safetensors";
  public static final String INDEX_FILE = "model.safetensors.index.json";

  private static final Pattern SHARD_NAME = Pattern.compile("[^/\\\\\\x00]{1,200}\\.safetensors");

  private final Path directory;
  private final Map<String, SafetensorsFile> fileOfTensor;
  private final Collection<SafetensorsFile> files;

  private SafetensorsWeights(
      Path directory,
      Map<String, SafetensorsFile> fileOfTensor,
      Collection<SafetensorsFile> files) {
    this.directory = directory;
    this.fileOfTensor = Collections.unmodifiableMap(fileOfTensor);
    this.files = files;
  }

  /**
   * Opens the directory's {@code model.safetensors}, or else all shards that its {@code
   * model.safetensors.index.json} names.
   *
   * @throws TrainerException with BAD_DATA when neither is there, a shard is missing or lacks a
   *     tensor that the index names, or a file is broken or truncated
   */
  public static SafetensorsWeights open(Path directory) {
    Map<String, SafetensorsFile> files = new LinkedHashMap<>();
    try {
      Map<String, SafetensorsFile> fileOfTensor = new TreeMap<>();
      if (Files.exists(directory.resolve(SINGLE_FILE))) {
        SafetensorsFile file = SafetensorsFile.open(directory.resolve(SINGLE_FILE));
        files.put(SINGLE_FILE, file);
        file.names().forEach(name -> fileOfTensor.put(name, file));
      } else if (Files.exists(directory.resolve(INDEX_FILE))) {
        openShards(directory, files, fileOfTensor);
      } else {
        throw TensorFile.badData(
            directory, "expected " + SINGLE_FILE + " or " + INDEX_FILE + ", found neither");
      }
      return new SafetensorsWeights(directory, fileOfTensor, List.copyOf(files.values()));
    } catch (RuntimeException e) {
      files.values().forEach(SafetensorsFile::close);
      throw e;
    }
  }

  private static void openShards(
      Path directory,
      Map<String, SafetensorsFile> files,
      Map<String, SafetensorsFile> fileOfTensor) {
    Path index = directory.resolve(INDEX_FILE);
    JsonNode weightMap = JsonFile.readObject(index).path("weight_map");
    if (!weightMap.isObject() || weightMap.isEmpty()) {
      throw TensorFile.badData(index, "expected an object of tensor names in field weight_map");
    }
    for (Map.Entry<String, JsonNode> entry : weightMap.properties()) {
      String shard = entry.getValue().asText();
      // A shard lies in the directory itself: an index must not reach other files of the machine.
      if (!entry.getValue().isTextual() || !SHARD_NAME.matcher(shard).matches()) {
        throw TensorFile.badData(
            index,
            "field weight_map: expected a safetensors file's name for tensor " + entry.getKey());
      }
      SafetensorsFile file =
          files.computeIfAbsent(shard, name -> SafetensorsFile.open(directory.resolve(name)));
      if (!file.names().contains(entry.getKey())) {
        throw TensorFile.badData(
            directory.resolve(shard),
            "expected tensor " + entry.getKey() + ", as " + INDEX_FILE + " says; it is not there");
      }
      fileOfTensor.put(entry.getKey(), file);
    }
  }

  @Override
  public Set<String> names() {
    return fileOfTensor.keySet();
  }

  @Override
  public long[] shape(String name) {
    return file(name).shape(name);
  }

  @Override
  public void readFloat32(String name, FloatBuffer destination) {
    file(name).readFloat32(name, destination);
  }

  @Override
  public Optional<StorageType> stored(String name) {
    return file(name).stored(name);
  }

  @Override
  public void readStored(String name, long first, ByteBuffer destination) {
    file(name).readStored(name, first, destination);
  }

  private SafetensorsFile file(String name) {
    SafetensorsFile file = fileOfTensor.get(name);
    if (file == null) {
      throw TensorFile.badData(directory, "there is no tensor " + name);
    }
    return file;
  }

  @Override
  public void close() {
    new ArrayList<>(files).forEach(SafetensorsFile::close);
  }
}
