package io.safegrad.trainer.fuzz;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import io.safegrad.api.TrainingPlan;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.zip.GZIPOutputStream;

/** Inputs made into what a reader reads on from: no mutation comes upon a digest by chance. */
final class FuzzedForms {

  private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());

  private FuzzedForms() {}

  static byte[] gzip(byte[] input) {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(packed)) {
      gzip.write(input);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return packed.toByteArray();
  }

  /** With the length of a header that ends at its first two closing braces. */
  static byte[] withHeaderLength(byte[] safetensors) {
    byte[] file = safetensors.clone();
    int end = new String(file, StandardCharsets.ISO_8859_1).indexOf("}}", Long.BYTES) + 2;
    if (end > Long.BYTES) {
      while (end < file.length && file[end] == ' ') {
        end++;
      }
      ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).putLong(end - Long.BYTES);
    }
    return file;
  }

  /** With the digest that its content asks for. */
  static byte[] withDigest(byte[] plan) {
    String text = new String(plan, StandardCharsets.UTF_8);
    try {
      TrainingPlan altered = YAML.readValue(text, TrainingPlan.class);
      return altered == null
          ? plan
          : text.replaceAll("sha256:[0-9a-f]{64}", altered.computeDigest())
              .getBytes(StandardCharsets.UTF_8);
    } catch (JsonProcessingException e) {
      return plan;
    }
  }
}
