package io.safegrad.trainer.fuzz;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import io.safegrad.api.TrainingPlan;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/** The alterations that know what a file is made of. */
final class Alterations {

  private static final Alteration BYTES = new AlteredBytes();
  private static final Alteration JSON_VALUES = new AlteredJson();
  private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());

  private Alterations() {}

  static Alteration bytes() {
    return BYTES;
  }

  static Alteration json() {
    return JSON_VALUES.inPercent(75, BYTES);
  }

  /** Alters one line. */
  static Alteration jsonLines() {
    return ((Alteration) Alterations::jsonLine).inPercent(75, BYTES);
  }

  /** Alters the bytes, or the JSON of the header, whose length stays right. */
  static Alteration safetensors() {
    return ((Alteration) Alterations::safetensorsHeader).inPercent(60, BYTES);
  }

  /** Alters the packed bytes or the text; one in 2,500 unpacks to a thousand times its size. */
  static Alteration gzip() {
    return ((Alteration) Alterations::gzipContent).inPercent(60, BYTES);
  }

  static Alteration csv() {
    return new AlteredText(FuzzWords.CSV).inPercent(70, BYTES);
  }

  static Alteration yaml() {
    return new AlteredText(FuzzWords.YAML).inPercent(80, BYTES);
  }

  /** Alters a plan's text; three in four have the digest that their content asks for. */
  static Alteration plan() {
    Alteration text = yaml();
    return (input, other, random) -> {
      byte[] altered = text.of(input, other, random);
      return random.nextInt(4) == 0 ? altered : withDigest(altered);
    };
  }

  static Alteration template() {
    return new AlteredText(FuzzWords.TEMPLATE).inPercent(90, BYTES);
  }

  private static byte[] jsonLine(byte[] input, byte[] other, SplittableRandom random) {
    List<String> lines = new String(input, StandardCharsets.UTF_8).lines().toList();
    int altered = random.nextInt(Math.max(1, lines.size()));
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < lines.size(); i++) {
      byte[] line = lines.get(i).getBytes(StandardCharsets.UTF_8);
      text.append(
              i == altered
                  ? new String(JSON_VALUES.of(line, other, random), StandardCharsets.UTF_8)
                  : lines.get(i))
          .append('\n');
    }
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] safetensorsHeader(byte[] input, byte[] other, SplittableRandom random) {
    long length = ByteBuffer.wrap(input).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    if (length < 0 || length > input.length - Long.BYTES) {
      return input; // A regression: its length is what is wrong with it.
    }
    int end = Long.BYTES + (int) length;
    byte[] header = JSON_VALUES.of(Arrays.copyOfRange(input, Long.BYTES, end), other, random);
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    file.writeBytes(
        ByteBuffer.allocate(Long.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(header.length)
            .array());
    file.writeBytes(header);
    file.write(input, end, input.length - end);
    return file.toByteArray();
  }

  private static byte[] gzipContent(byte[] input, byte[] other, SplittableRandom random) {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(packed)) {
      if (random.nextInt(1500) == 0) {
        byte[] blank = new byte[1 << 20];
        Arrays.fill(blank, (byte) (random.nextBoolean() ? ' ' : '\n'));
        for (int i = random.nextInt(80); i >= 0; i--) {
          gzip.write(blank);
        }
      }
      gzip.write(jsonLine(unpacked(input), unpacked(other), random));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    if (random.nextInt(4) == 0) {
      packed.writeBytes(other);
    }
    return packed.toByteArray();
  }

  private static byte[] unpacked(byte[] input) {
    try (GZIPInputStream gzip = new GZIPInputStream(new ByteArrayInputStream(input))) {
      return gzip.readNBytes(Alteration.MAX_BYTES);
    } catch (IOException e) {
      return input; // A regression that is not gzip.
    }
  }

  private static byte[] withDigest(byte[] plan) {
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
