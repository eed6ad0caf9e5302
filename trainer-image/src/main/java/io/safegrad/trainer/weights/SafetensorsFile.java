package io.safegrad.trainer.weights;

import io.safegrad.trainer.TrainerException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** One safetensors file. */
public final class SafetensorsFile implements Weights {

  private final TensorFile file;
  private final SafetensorsHeader header;

  private SafetensorsFile(TensorFile file, SafetensorsHeader header) {
    this.file = file;
    this.header = header;
  }

  /**
   * Opens a file and checks its header.
   *
   * @throws TrainerException with BAD_DATA when there is no such file, or it is broken or truncated
   */
  public static SafetensorsFile open(Path path) {
    TensorFile file = TensorFile.open(path);
    try {
      return new SafetensorsFile(file, SafetensorsHeader.read(file));
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  /**
   * Writes float32 tensors, sorted by name, so that equal tensors give equal bytes. The file
   * appears whole or not at all.
   *
   * @param metadata text fields for the header; Hugging Face's libraries expect {@code format: pt}
   * @throws TrainerException with INTERNAL when it cannot be written
   */
  public static void write(
      Path path, Map<String, FloatTensor> tensors, Map<String, String> metadata) {
    SafetensorsWriter.write(
        path,
        List.copyOf(tensors.keySet()),
        TensorContents.of(tensors),
        StorageType.FLOAT32,
        metadata);
  }

  /**
   * Reads all tensors of a file into Java's memory, as float32.
   *
   * @throws TrainerException with BAD_DATA when there is no such file, or it is broken or truncated
   */
  public static Map<String, FloatTensor> read(Path path) {
    Map<String, FloatTensor> tensors = new TreeMap<>();
    try (SafetensorsFile file = open(path)) {
      for (String name : file.names()) {
        long[] shape = file.shape(name);
        FloatBuffer values =
            FloatBuffer.allocate(Math.toIntExact(SafetensorsHeader.elements(shape)));
        file.readFloat32(name, values);
        tensors.put(name, new FloatTensor(shape, values.array()));
      }
    }
    return tensors;
  }

  @Override
  public Set<String> names() {
    return header.tensors().keySet();
  }

  @Override
  public long[] shape(String name) {
    return entry(name).shape().clone();
  }

  @Override
  public void readFloat32(String name, FloatBuffer destination) {
    SafetensorsHeader.Entry entry = entry(name);
    ElementType type = type(name, entry);
    ElementType.requireRoom(name, SafetensorsHeader.elements(entry.shape()), destination);
    file.stream(
        entry.begin(),
        entry.bytes(),
        type.blockBytes(),
        "tensor " + name,
        chunk -> type.decode(chunk, destination));
  }

  @Override
  public Optional<StorageType> stored(String name) {
    return switch (entry(name).dtype()) {
      case "F32" -> Optional.of(StorageType.FLOAT32);
      case "F16" -> Optional.of(StorageType.FLOAT16);
      case "BF16" -> Optional.of(StorageType.BFLOAT16);
      default -> Optional.empty();
    };
  }

  @Override
  public void readStored(String name, long first, ByteBuffer destination) {
    SafetensorsHeader.Entry entry = entry(name);
    long begin = entry.begin() + first * type(name, entry).blockBytes();
    if (begin + destination.remaining() > entry.end()) {
      throw new IllegalArgumentException(
          "tensor %s has %d bytes; the destination has room for %d from byte %d on"
              .formatted(name, entry.bytes(), destination.remaining(), begin - entry.begin()));
    }
    file.read(begin, destination, "tensor " + name);
  }

  private ElementType type(String name, SafetensorsHeader.Entry entry) {
    return stored(name)
        .orElseThrow(
            () ->
                file.badData(
                    "tensor " + name + ": expected dtype F32, F16 or BF16, found " + entry.dtype()))
        .element();
  }

  private SafetensorsHeader.Entry entry(String name) {
    SafetensorsHeader.Entry entry = header.tensors().get(name);
    if (entry == null) {
      throw file.badData("there is no tensor " + name);
    }
    return entry;
  }

  @Override
  public void close() {
    file.close();
  }
}
